"""What editors show for our files: a real yaml-language-server, asked as an editor asks it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.language_server import ROOT, SERVER, Editor, open_editor

pytestmark = pytest.mark.acceptance

SCHEMAS = sorted((ROOT / "config").glob("*.schema.json"))
WAIT = """\
# yaml-language-server: $schema=thresholds.schema.json
thresholds:
  - name: long_wait
    measure: longest_wait
"""
RATE = WAIT.replace("longest_wait", "abandonment_rate").replace("long_wait", "lost")


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    """Open an editor on a folder with our schemas."""
    if not SERVER.exists():
        pytest.fail("no language server: run scripts/get-language-server.sh")
    folder = tmp_path_factory.mktemp("editor")
    for schema in SCHEMAS:
        shutil.copy(schema, folder)
    with open_editor(folder) as opened:
        yield opened


@pytest.mark.parametrize("name", ["thresholds.yml", "callmon.yml", "web-config.example.yml"])
def test_our_own_files_have_no_mistakes(editor: Editor, name: str) -> None:
    """Nothing is underlined in what we ship."""
    text = (ROOT / "config" / name).read_text()

    assert [] == editor.mistakes(text)


def test_measures_are_offered_with_what_they_mean(editor: Editor) -> None:
    """Behind ``measure:`` stand all measures, with definition, window and kind of limit."""
    text = WAIT.replace("longest_wait", "^")

    offers = {one["label"]: one["documentation"] for one in editor.offers(text)}

    assert (
        "Live: it has no window. Its limit is a duration like 3m."
        in (offers["longest_wait"]["value"])
    )
    assert {"abandonment_rate", "service_level", "waiting", "unserved"} <= set(offers)


def test_keys_are_offered_with_templates(editor: Editor) -> None:
    """A new item offers a whole threshold, not only single keys."""
    text = WAIT.partition("  - ")[0] + "  - ^\n"

    offers = {one["label"]: one.get("insertText", "") for one in editor.offers(text)}

    template = offers["threshold: somebody waits too long"]
    assert "measure: longest_wait\n" in template
    assert "above: ${2:3m}\n" in template
    assert {"name", "measure", "above", "below", "escalate"} <= set(offers)


def test_choices_are_explained(editor: Editor) -> None:
    """Behind ``severity:`` each word says what it means."""
    offers = editor.offers(WAIT + "    severity: ^\n")

    assert {
        "info": "Good to know.",
        "warning": "Somebody should look soon.",
        "critical": "Somebody must act now.",
    } == {one["label"]: one["documentation"]["value"] for one in offers}


def test_a_key_explains_itself(editor: Editor) -> None:
    """Resting on ``clear`` shows what it is for and what it may look like."""
    shown = editor.hover(WAIT + "    above: 3m\n    ^clear: 2m\n")

    assert "a firing alert ends only when the value is past this" in shown
    assert "```yaml\n2m\n```" in shown


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        (WAIT + "    above: 3 minutes\n", ["5: expected a duration like 3m"]),
        (WAIT + "    above: 180\n", ["5: expected a duration like 3m"]),
        (WAIT + "    above: 20%\n", ["5: expected a duration like 3m"]),
        (
            WAIT + "    above: 3m\n    for: 30 seconds\n",
            ["6: expected something like 30s, 2m"],
        ),
        (
            WAIT + "    above: 3m\n    overrides: [{queues: [vip], above: 60}]\n",
            ["6: expected a duration like 3m"],
        ),
        (WAIT + "    abov: 3m\n", ["5: Property abov is not allowed."]),
        (
            WAIT + "    above: 3m\n    window: 15m\n",
            ["6: Property window is not allowed."],
        ),
        (RATE + "    window: 15m\n    above: 20\n", ["6: expected a share like 20%"]),
        (RATE + "    window: 15m\n    above: 0.2\n", []),
        (RATE + "    window: 15m\n    above: 20%\n", []),
        (RATE + "    above: 20%\n", ['3: Missing property "window".']),
        (WAIT + "    above: ${WAIT:-3m}\n", []),
    ],
)
def test_mistakes_are_underlined_while_one_types(
    editor: Editor, text: str, mistakes: list[str]
) -> None:
    """What the file cannot mean is marked, with the cure where it can be told."""
    assert mistakes == editor.mistakes(text)


def test_feeds_are_told_apart(editor: Editor) -> None:
    """Each type of feed offers its own keys, and no others."""
    text = """\
# yaml-language-server: $schema=callmon.schema.json
feeds:
  pbx:
    type: queue_log
    path: /var/log/asterisk/queue_log
    ^
"""
    offers = {one["label"] for one in editor.offers(text)}

    assert "first_run" in offers
    assert "username" not in offers


@pytest.mark.parametrize(
    "path", sorted((ROOT / "config/scenarios").glob("*.yml")), ids=lambda path: path.stem
)
def test_our_scenarios_have_no_mistakes(editor: Editor, path: Path) -> None:
    """Nor is anything underlined in the scenarios that we ship."""
    first, _, rest = path.read_text().partition("\n")
    assert "# yaml-language-server: $schema=../scenario.schema.json" == first

    assert [] == editor.mistakes(f"{first.replace('../', '')}\n{rest}")
