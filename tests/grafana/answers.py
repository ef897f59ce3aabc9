"""What a real Prometheus answers."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import aiohttp

__all__ = ["Prometheus"]

Row = Mapping[str, Any]

TIMEOUT = aiohttp.ClientTimeout(total=30)


class Prometheus:
    """Asks one Prometheus, as Grafana's data source does."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._session = session

    async def instant(self, expr: str, at: float) -> Sequence[Row]:
        """Return what *expr* is at one moment."""
        return await self._query("query", query=expr, time=f"{at:.3f}")

    async def range(self, expr: str, begin: float, end: float, step: float) -> Sequence[Row]:
        """Return what *expr* was in each step."""
        return await self._query(
            "query_range", query=expr, start=f"{begin:.3f}", end=f"{end:.3f}", step=f"{step}"
        )

    async def label_values(
        self, label: str, series: str | None, *, begin: float, end: float
    ) -> list[str]:
        """Return the values of a label, of all series or of those that *series* selects."""
        parameters = {"start": f"{begin:.3f}", "end": f"{end:.3f}"}
        if series:
            parameters["match[]"] = series
        found: list[str] = await self._get(f"label/{label}/values", parameters)
        return found

    async def _query(self, path: str, **parameters: str) -> Sequence[Row]:
        data = await self._get(path, parameters)
        if data["resultType"] == "scalar":
            return [{"metric": {}, "value": data["result"]}]
        rows: Sequence[Row] = data["result"]
        return rows

    async def _get(self, path: str, parameters: Mapping[str, str]) -> Any:
        url = f"{self.url}/api/v1/{path}?{urlencode(parameters)}"
        async with self._session.get(url, timeout=TIMEOUT) as answer:
            body = json.loads(await answer.text())
        if body["status"] != "success":
            raise ValueError(f"{parameters}: {body.get('error')}")
        return body["data"]
