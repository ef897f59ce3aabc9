"""The routing tree as Alertmanager itself sees it: ``amtool config routes test``."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callmon.config import load_config
from callmon.config.nodes import parse
from callmon.sense.emitted import emitted
from callmon.sense.routing import Route, read_tree, routes_of
from tests.acceptance.peers import program

pytestmark = pytest.mark.acceptance

ROOT = Path(__file__).parents[2]


def asked(suite: str, path: Path, labels: dict[str, str]) -> list[str]:
    """Return the receivers that amtool names."""
    pairs = [f"{name}={value}" for name, value in labels.items()]
    done = subprocess.run(
        [program(suite, "amtool"), "config", "routes", "test", f"--config.file={path}", *pairs],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    return done.stdout.strip().split(",")


def tree(path: Path) -> Route:
    """Return our reading of the file."""
    root = read_tree(parse(str(path), path.read_bytes(), None))
    assert root is not None
    return root


@pytest.mark.parametrize("suite", ["trixie", "sid"])
def test_the_shipped_routes_are_read_as_alertmanager_reads_them(suite: str) -> None:
    """Every set of labels that callmon can have comes to the same receivers."""
    path = ROOT / "alertmanager" / "alertmanager.yml"
    root = tree(path)
    config = load_config(ROOT / "config" / "callmon.yml", {})
    sets = {
        tuple(sorted((k, v) for k, v in one.labels.items() if k not in {"queue", "threshold"}))
        for one in emitted(config)
    }

    for labels in sorted(sets):
        expected = [route.receiver for route in routes_of(root, dict(labels))]
        assert expected == asked(suite, path, dict(labels))


matchers = st.lists(
    st.builds(
        "{}{}{}".format,
        st.sampled_from("ab"),
        st.sampled_from(["=", "!=", "=~", "!~"]),
        st.sampled_from(['"x"', '"y"', '"x|y"', '""', '".*"', '".+"']),
    ),
    max_size=2,
)


def _route(children: st.SearchStrategy[str] | None) -> st.SearchStrategy[str]:
    def written(own: list[str], goes_on: bool, below: list[str]) -> str:
        listed = ", ".join(f"'{one}'" for one in own)
        return (
            f"{{receiver: R, matchers: [{listed}], continue: {str(goes_on).lower()},"
            f" routes: [{', '.join(below)}]}}"
        )

    return st.builds(
        written,
        matchers,
        st.booleans(),
        st.just([]) if children is None else st.lists(children, max_size=3),
    )


routes = st.lists(st.recursive(_route(None), _route, max_leaves=5), min_size=1, max_size=3)
labels = st.dictionaries(st.sampled_from("ab"), st.sampled_from("xyz"))


@settings(max_examples=60)
@given(routes, st.lists(labels, min_size=1, max_size=3))
def test_any_tree_is_read_as_alertmanager_reads_it(
    tmp_path_factory: pytest.TempPathFactory, below: list[str], sets: list[dict[str, str]]
) -> None:
    """Matchers, continue and nesting of any kind."""
    text = f"route: {{receiver: R, routes: [{', '.join(below)}]}}"
    parts = text.split("receiver: R")
    text = parts[0] + "".join(f"receiver: r{n}{part}" for n, part in enumerate(parts[1:]))
    names = "".join(f"\n  - name: r{n}" for n in range(len(parts) - 1))
    path = tmp_path_factory.mktemp("tree") / "alertmanager.yml"
    path.write_text(f"{text}\nreceivers:{names}\n")
    root = tree(path)

    for one in sets:
        expected = [route.receiver for route in routes_of(root, one)]
        assert expected == asked("trixie", path, one), text
