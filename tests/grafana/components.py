"""Runs Grafana's own packages: its types by tsc, its display engine by node.

They come from ``scripts/get-grafana-components.sh``; our part of it is in ``web/``.
"""

import json
import os
import platform
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.peers import ROOT

__all__ = ["INSTALLED", "WEB", "bundled", "displayed", "mistakes"]

WEB = Path(__file__).parent / "web"
INSTALLED = ROOT / ".tools" / "grafana-web"

MACHINES = {"x86_64": "linux-x64", "aarch64": "linux-arm64"}

PANEL_TYPES: Mapping[str, tuple[str, str]] = {
    "alertlist": ("alertlist", "AlertListPanelCfg"),
    "barchart": ("barchart", "BarChartPanelCfg"),
    "bargauge": ("bargauge", "BarGaugePanelCfg"),
    "gauge": ("gauge", "GaugePanelCfg"),
    "heatmap": ("heatmap", "HeatmapPanelCfg"),
    "histogram": ("histogram", "HistogramPanelCfg"),
    "piechart": ("piechart", "PieChartPanelCfg"),
    "stat": ("stat", "StatPanelCfg"),
    "state-timeline": ("statetimeline", "StateTimelinePanelCfg"),
    "status-history": ("statushistory", "StatusHistoryPanelCfg"),
    "table": ("table", "TablePanelCfg"),
    "text": ("text", "TextPanelCfg"),
    "timeseries": ("timeseries", "TimeSeriesPanelCfg"),
}
"""Where each visualisation's types are in @grafana/schema."""

OF_THE_DATA_SOURCE = frozenset({"expr", "step", "tagKeys", "textFormat", "titleFormat"})
"""Keys of annotations that belong to Prometheus' data source, not to the dashboard."""

WITHOUT_FIELD_CONFIG = frozenset({"bargauge", "gauge", "stat", "text"})

TYPES = """\
import type { Dashboard, FieldConfig } from '@grafana/schema';
type Loose<T> = T extends string ? `${T}` : T extends (infer U)[] ? Loose<U>[]
  : T extends object ? { [K in keyof T]: Loose<T[K]> } : T;
"""
"""JSON has words where the types have enumerations."""

SECONDS = 120


def _ran(arguments: Sequence[str], text: str = "") -> subprocess.CompletedProcess[str]:
    if not (INSTALLED / "installed").exists():
        pytest.fail(f"{INSTALLED} is missing: run scripts/get-grafana-components.sh")
    scripts = sysconfig.get_path("scripts")
    environment = {
        **os.environ,
        "PATH": f"{scripts}:{os.environ['PATH']}",
        "NODE_PATH": str(INSTALLED / "node_modules"),
    }
    return subprocess.run(
        arguments,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
        env=environment,
    )


def bundled(source: Path, folder: Path, *, browser: bool) -> Path:
    """Bundle *source* with all it imports into *folder*."""
    esbuild = INSTALLED / "node_modules/@esbuild" / MACHINES[platform.machine()] / "bin/esbuild"
    target = folder / (source.stem + (".js" if browser else ".cjs"))
    ran = _ran(
        [
            str(esbuild),
            str(source),
            "--bundle",
            "--log-level=warning",
            f"--outfile={target}",
            *(["--format=iife"] if browser else ["--platform=node", "--format=cjs"]),
            "--jsx=automatic",
            "--minify-whitespace",
            '--define:process.env.NODE_ENV="production"',
            *(f"--loader:.{kind}=dataurl" for kind in ("svg", "ttf", "woff2", "png")),
        ]
    )
    assert not ran.returncode, ran.stderr
    return target


def displayed(program: Path, job: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what Grafana's engine shows of *job*; *program* is the bundled ``read.js``."""
    ran = _ran(["node", str(program)], json.dumps(job))
    assert not ran.returncode, ran.stderr
    readings: list[dict[str, Any]] = json.loads(ran.stdout)
    return readings


def mistakes(boards: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what the TypeScript compiler finds wrong with *boards*; empty: nothing."""
    with tempfile.TemporaryDirectory(dir=INSTALLED) as folder:
        files = []
        for name, board in boards.items():
            file = Path(folder, f"{name}.ts")
            file.write_text(_typed(board), encoding="utf-8")
            files.append(str(file))
        ran = _ran(
            [
                "node",
                str(INSTALLED / "node_modules/typescript/bin/tsc"),
                "--noEmit",
                "--skipLibCheck",
                "--strict",
                "--module",
                "nodenext",
                "--moduleResolution",
                "nodenext",
                "--target",
                "es2022",
                *files,
            ]
        )
    return ran.stdout + ran.stderr if ran.returncode else ""


def _typed(board: Mapping[str, Any]) -> str:
    """Return *board* as TypeScript that compiles only if it is what Grafana's types say."""
    panels = [inner for panel in board["panels"] for inner in (panel, *panel.get("panels", ()))]
    panels = [panel for panel in panels if panel["type"] != "row"]
    lines = [TYPES]
    for kind in sorted({panel["type"] for panel in panels}):
        folder, module = PANEL_TYPES[kind]
        place = (
            f"@grafana/schema/dist/esm/raw/composable/{folder}/panelcfg/x/{module}_types.gen"
        )
        lines.append(f"import type * as {folder} from '{place}';")
    lines.append(_satisfying("Dashboard", _without_the_data_sources(board)))
    for panel in panels:
        lines += _typed_panel(panel)
    return "\n".join(lines)


def _typed_panel(panel: Mapping[str, Any]) -> Iterator[str]:
    """Give what the types of a panel's own options and field configuration must admit."""
    module = PANEL_TYPES[panel["type"]][0]
    config = panel.get("fieldConfig", {"defaults": {}, "overrides": []})
    yield _satisfying(f"Partial<{module}.Options>", panel.get("options", {}))
    owns = "{}" if panel["type"] in WITHOUT_FIELD_CONFIG else f"Partial<{module}.FieldConfig>"
    yield _satisfying(owns, config.get("defaults", {}).get("custom", {}))
    for rule in config.get("overrides", ()):
        standard: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for one in rule["properties"]:
            outer, _, inner = one["id"].partition("custom.")
            _put(own if inner else standard, inner or outer, one["value"])
        yield _satisfying("FieldConfig", standard)
        yield _satisfying(owns, own)


def _put(into: dict[str, Any], path: str, value: Any) -> None:
    """Set *value* where a property's id points: ``hideFrom.viz`` is in ``hideFrom``."""
    first, _, rest = path.partition(".")
    if rest:
        _put(into.setdefault(first, {}), rest, value)
    else:
        into[first] = value


def _satisfying(kind: str, value: Any) -> str:
    return (
        f"void (({json.dumps(value, ensure_ascii=False, indent=1)}) satisfies Loose<{kind}>);"
    )


def _without_the_data_sources(board: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return *board* without the keys of its annotations that Grafana itself does not know."""
    known = [
        {key: value for key, value in each.items() if key not in OF_THE_DATA_SOURCE}
        for each in board["annotations"]["list"]
    ]
    return {**board, "annotations": {"list": known}}
