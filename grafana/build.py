"""Write the dashboards: ``python -m grafana.build``.

Classic JSON, which Grafana 10 to 13 read; the same dashboards in English and in Chinese.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from callmon.wording import Language
from grafana.boards.agents import agents
from grafana.boards.alerts import alerts
from grafana.boards.health import health
from grafana.boards.queue import queue
from grafana.boards.wallboard import wallboard
from grafana.words import Words

__all__ = ["FOLDER", "FOLDERS", "OF_ANNOTATIONS", "files", "main"]

FOLDER = Path(__file__).parent / "dashboards"

FOLDERS: Mapping[Language, str] = {Language.ENGLISH: "en", Language.CHINESE: "zh"}

MAKERS = {
    "wallboard": wallboard,
    "queue": queue,
    "agents": agents,
    "alerts": alerts,
    "health": health,
}


OF_ANNOTATIONS: Mapping[str, str] = {
    "step": "60s",
    "titleFormat": "{{threshold}}",
    "textFormat": "{{name}}",
    "tagKeys": "severity",
}
"""What the Prometheus data source reads of an annotation, and the models do not have."""


def files(words: Mapping[Language, Words] | None = None) -> Iterator[tuple[str, str]]:
    """Yield path below ``FOLDER`` and text of every dashboard."""
    for language, folder in FOLDERS.items():
        say = words[language] if words else Words(language)
        for name, make in MAKERS.items():
            text = json.dumps(_plain(make(say)), indent=2, ensure_ascii=False)
            yield f"{folder}/{name}.json", f"{text}\n"


def _plain(board: Dashboard) -> Any:
    """Return *board* as JSON has it, without what the models add and Grafana ignores."""
    plain = json.loads(json.dumps(board, cls=JSONEncoder))
    for variable in plain["templating"]["list"]:
        for name in ("auto", "auto_min", "auto_count"):  # of intervals only
            variable.pop(name, None)
    for panel in plain["panels"]:
        if panel["type"] == "table":
            panel["options"].pop("footer", None)  # went away with Grafana 12.2
    for annotation in plain["annotations"]["list"]:
        annotation.update(OF_ANNOTATIONS)
    return plain


def main() -> None:
    """Write every dashboard."""
    for name, text in files():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
