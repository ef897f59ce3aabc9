"""Boards with what a real Prometheus answers them: what the display engine and pictures get."""

from collections.abc import Mapping
from typing import Any

from tests.grafana.answers import Prometheus
from tests.grafana.boards import (
    Board,
    Query,
    Span,
    Variables,
    panels,
    queries,
    repeated,
    resolved,
)

__all__ = ["answer", "job"]


async def answer(query: Query, prometheus: Prometheus, span: Span) -> dict[str, Any]:
    """Return what Prometheus says to *query*, with what the display has to know of it."""
    if query.range:
        result = await prometheus.range(query.expr, span.begin, span.end, query.step)
    else:
        result = await prometheus.instant(query.expr, span.end)
    return {
        "refId": query.ref,
        "format": query.format,
        "legend": query.legend,
        "result": result,
    }


async def job(
    board: Board,
    prometheus: Prometheus,
    span: Span,
    *,
    chosen: Mapping[str, str] | None = None,
    mode: str = "dark",
) -> dict[str, Any]:
    """Return *board* with all answers, as ``web/`` takes it."""
    variables = await resolved(board, prometheus, span, chosen)
    shown = []
    for panel in panels(board):
        for one, own in repeated(panel, variables):
            found = [
                await answer(query, prometheus, span)
                for query in queries(board, one, own, span)
            ]
            shown.append({"panel": one, "answers": found, "variables": _known(own, span)})
    return {
        "title": board["title"],
        "panels": shown,
        "variables": _known(variables, span),
        "timeZone": "Asia/Shanghai",
        "range": {"from": round(span.begin * 1000), "to": round(span.end * 1000)},
        "mode": mode,
    }


def _known(variables: Variables, span: Span) -> dict[str, str]:
    texts = {name: ", ".join(values) for name, values in variables.single.items()}
    return {**variables.query, **texts, **span.built_in}
