"""What every table of words must hold: both languages say the same, and nothing unsaid."""

import re
from collections.abc import Container, Iterable
from pathlib import Path
from string import Formatter

from callmon.config.said import Texts
from callmon.wording import Language

__all__ = ["told_differently", "unsaid"]


def told_differently(texts: Texts, *, english_alone: Container[str] = ()) -> list[str]:
    """Return the keys that one language lacks, or that have other figures in the other.

    *english_alone*: names of fields that only English needs, as a verb's two forms.
    """
    english, chinese = texts[Language.ENGLISH], texts[Language.CHINESE]
    differing = [
        key
        for key in english.keys() & chinese.keys()
        if {name for name in _fields(english[key]) if name not in english_alone}
        != _fields(chinese[key])
    ]
    return sorted([*(english.keys() ^ chinese.keys()), *differing])


def unsaid(texts: Texts, files: Iterable[Path], made_up: Container[str] = ()) -> list[str]:
    """Return the keys that *files* never name, but for those that are put together."""
    written = "".join(file.read_text() for file in files if file.name != "texts.py")
    return [
        key
        for key in texts[Language.ENGLISH]
        if key not in made_up and not re.search(rf"[\"']{key}[\"']|texts\.{key}\b", written)
    ]


def _fields(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}
