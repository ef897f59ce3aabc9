"""Templates of topics: which topics a subscription brings, and what their levels name.

``acd/{site}/queue/{queue}/+`` is a filter of MQTT in which single levels have names: a
named level matches what ``+`` matches. Rules: section 4.7 of the MQTT standard.
"""

import re
from collections.abc import Mapping

__all__ = ["RECEIVED", "Template", "check_template"]

RECEIVED = "received"
"""Stands for the moment of receipt where a name of a level may stand, so it is none."""

MAX_TOPIC_BYTES = 65_535
"""The length of a topic is two bytes in MQTT."""

_CAPTURE = re.compile(r"\{([a-z][a-z0-9_]*)\}", re.ASCII)


class Template:
    """A template, ready to be compared with topics.

    Attributes:
        text: As it is written.
        filter: What to subscribe to.
        captures: The names of its levels, in order.

    Raises:
        ValueError: it is no template.
    """

    __slots__ = (
        "_levels",
        "_literals",
        "_names",
        "_open",
        "_wild",
        "captures",
        "filter",
        "text",
    )

    def __init__(self, text: str) -> None:
        problem = check_template(text)
        if problem is not None:
            raise ValueError(problem)
        self.text = text
        levels = [_CAPTURE.sub("+", level) for level in text.split("/")]
        self.filter = "/".join(levels)
        names = {
            place: match[1]
            for place, level in enumerate(text.split("/"))
            if (match := _CAPTURE.fullmatch(level))
        }
        self.captures = tuple(names.values())
        self._names = tuple(names.items())
        self._wild = levels[0] in ("+", "#")
        self._open = levels[-1] == "#"
        self._levels = len(levels) - self._open
        self._literals = tuple(
            (place, level) for place, level in enumerate(levels) if level not in ("+", "#")
        )

    def match(self, topic: str) -> Mapping[str, str] | None:
        """Return what the named levels of *topic* hold; None: it is not of this template."""
        levels = topic.split("/")
        if len(levels) != self._levels and not (self._open and len(levels) > self._levels):
            return None
        # Topics of the broker itself, like $SYS, are only for who asks for them by name.
        if self._wild and topic.startswith("$"):
            return None
        for place, level in self._literals:
            if levels[place] != level:
                return None
        return {name: levels[place] for place, name in self._names}


def check_template(text: str) -> str | None:
    """Return what is wrong with *text* as a template, None when nothing is."""
    if not text:
        return "expected a topic, found nothing"
    if "\0" in text or len(text.encode("utf-8", "surrogatepass")) > MAX_TOPIC_BYTES:
        return f"expected a topic of at most {MAX_TOPIC_BYTES} bytes without NUL"
    levels = text.split("/")
    if levels[0] == "$share":
        return (
            "a shared subscription gives each of its members only a part of the messages: "
            f"expected a topic without $share, found {text!r}"
        )
    if "#" in levels[:-1]:
        return f"expected # as the last level only, found {text!r}"
    return _check_levels(levels)


def _check_levels(levels: list[str]) -> str | None:
    names: set[str] = set()
    for level in levels:
        if level in ("+", "#"):
            continue
        match = _CAPTURE.fullmatch(level)
        if match is None:
            if set(level) & set("+#{}"):
                return f"expected a text, + or {{name}} as a whole level, found {level!r}"
            continue
        if match[1] == RECEIVED:
            return "{received} is the moment of receipt: expected another name of the level"
        if match[1] in names:
            return f"expected each name once, found {level} twice"
        names.add(match[1])
    return None
