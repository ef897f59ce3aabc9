"""Tests of the generated reference."""

import re

from callmon.config import json_schema
from callmon.measures import MEASURES
from scripts.write_reference import FILES, PAGE, reference_page


def test_the_page_is_up_to_date() -> None:
    """`make fmt` writes it anew after a change of the sections or the measures."""
    assert PAGE.read_text() == reference_page()


def test_every_key_and_every_measure_is_there() -> None:
    """Nobody has to ask the source."""
    page = reference_page()
    listed = set(re.findall(r"^\| \[?`(\w+)`", page, re.MULTILINE))
    keys: set[str] = set()
    for which in FILES:
        schema = json_schema(which)
        for section in (schema, *schema["$defs"].values()):
            keys |= set(section.get("properties", {}))

    assert keys | set(MEASURES) == listed


def test_every_key_is_explained() -> None:
    """A key without a word about it is no reference."""
    rows = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in reference_page().splitlines()
        if line.startswith(("| `", "| [`"))
    ]

    assert {4, 5} == {len(row) for row in rows}
    assert [] == [row for row in rows if not all(row[:3])]
