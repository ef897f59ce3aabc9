"""Lines that are not aligned, and dashes and colons that are not what they seem."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.config.nodes import parse
from callmon.config.shape import misshapen

FILE = """\
thresholds:
  - name: long_wait
    measure: longest_wait
    above: 3m
  - name: waiting
    measure: waiting
"""


@pytest.mark.parametrize(
    ("right", "wrong", "place"),
    [
        ("    above: 3m", "   above: 3m", (4, 4, "column 4, 'measure' in line 3 in column 5")),
        ("    above: 3m", "     above: 3m", (4, 6, "column 6, 'measure' in line 3")),
        ("    above: 3m", "    above:3m", (4, 5, "blank after the colon: above: 3m")),
        ("    above: 3m", "    above 3m", (4, 10, "a colon after the key: above: 3m")),
        ("    above: 3m", "    above: >3m", (4, 12, "write the limit alone: above: 3m")),
        ("  - name: waiting", " - name: waiting", (5, 2, "line 2 in column 3: align them")),
        ("  - name: waiting", "- name: waiting", (5, 1, "line 2 in column 3: align them")),
        ("  - name: waiting", "  name: waiting", (5, 3, "expected '- ' before name")),
        ("  - name: waiting", "  -name: waiting", (5, 3, "blank after the dash: - name:")),
        ("  - name: waiting", "  – name: waiting", (5, 3, "wide dash")),
        ("    measure: longest", "　　measure: longest", (3, 1, "wide blank")),
        ("  - name: waiting", "  － { name: waiting }", (5, 3, "wide dash")),
        ("    above: 3m", "    above: ｛ 3m: 1 ｝", (4, 12, "'{', found '｛' of Chinese")),
        ("    above: 3m", "    above: ［{ a: 3m }］", (4, 12, "'[', found '［' of Chinese")),
        ("    above: 3m", "    above: 【{ a: 3m }】", (4, 12, "'[', found '【' of Chinese")),
        ("    above: 3m", "    overrides: [{ a: [b]， c: 1 }]", (4, 25, "',', found '，'")),
        ("    above: 3m", "    overrides: [{ a： [b] }]", (4, 20, "':', found '：'")),
        ("    above: 3m", '    w: { a: "9，1"，b: 2 } # ，', (4, 18, "',', found '，'")),
        ("    above: 3m", "    w: { a: b，c, d: [e ]", (4, 8, "this { is never closed")),
        ("    above: 3m", "    w: { a: [b］, c: 1 }", (4, 15, "']', found '］'")),
        ("    above: 3m", "    summary: 【a】b: c", (4, 18, "a second ': '")),
        ("  - name: waiting", "  * name: waiting", (5, 3, "expected '- ' before each entry")),
        ("  - name: waiting", "// next", (5, 1, "expected # before a comment")),
        ("    above: 3m", "    above = 3m", (4, 10, "after the key: above: 3m")),
        ("thresholds:", "thresholds", (1, 11, "expected a colon after 'thresholds'")),
        ("thresholds:", "thresholds # a", (1, 11, "expected a colon after 'thresholds'")),
    ],
)
def test_a_line_that_does_not_fit_is_told_with_its_neighbour(
    right: str, wrong: str, place: tuple[int, int, str]
) -> None:
    """The place is that of the mistake, not where the parser stumbled."""
    (problem,) = parse("t.yml", FILE.replace(right, wrong).encode(), {}).problems

    line, column, message = place
    assert f"t.yml:{line}:{column}: " in problem
    assert message in problem


def test_what_is_aligned_is_not_told_to_be_astray() -> None:
    """Something else is wrong there."""
    assert misshapen(["- a: 1", "  b 2", "- c: 3"], 2) is None
    assert misshapen(["a: 1", "b 2", "c: 3"], 2) is None


@given(st.lists(st.text(" -:a#\t－", max_size=6), max_size=6), st.integers(0, 8))
def test_nothing_raises(lines: list[str], line: int) -> None:
    """Whatever stands there; a place lies within the lines."""
    found = misshapen(lines, line)

    assert found is None or 1 <= found[0] <= max(len(lines), line + 1)
