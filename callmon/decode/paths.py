"""Paths to a value in JSON: ``call.queue``, ``calls[0].id``, ``["odd.key"]``, ``calls[*].id``.

With ``[*]`` each element of an array is a message of its own.
"""

import re

__all__ = ["Path", "check_path", "find", "parse_path"]

MAX_STEPS = 32
"""Deeper than any payload that people design."""

Path = tuple[str | int, ...]
"""Keys of objects and places in arrays, from the outside to the inside."""

EVERY = -1
"""The place that stands for all."""

_STEP = re.compile(
    r"""(?P<key>[^.\[\]{}"]+)|\[(?P<place>[0-9]{1,6}|\*)\]|\["(?P<odd>[^"]+)"\]"""
)


def find(value: object, path: Path) -> object:
    """Return what is at *path* in *value*.

    Raises:
        KeyError: nothing is there.
    """
    for step in path:
        if isinstance(step, str):
            if not isinstance(value, dict):
                raise KeyError(step)
            value = value[step]
        elif isinstance(value, list) and step < len(value):
            value = value[step]
        else:
            raise KeyError(step)
    return value


def check_path(text: str) -> str | None:
    """Return what is wrong with *text* as a path, None when nothing is."""
    try:
        parse_path(text)
    except ValueError as error:
        return str(error)
    return None


def parse_path(text: str) -> tuple[Path, Path | None]:
    """Return the path in *text*: what stands before ``[*]``, and after it if it is there.

    Raises:
        ValueError: *text* is no path.
    """
    if text == "$" or text.startswith(("$.", "$[")):
        raise _bad(text)  # as JSONPath writes it; here it would be a key that nobody has
    steps: list[str | int] = []
    end = 0
    while end < len(text):
        if steps and text[end] == ".":
            end += 1
            found = _STEP.match(text, end)
            found = found if found and found["key"] else None
        else:
            found = _STEP.match(text, end)
            # A key follows a dot, brackets follow anything.
            found = None if steps and found and found["key"] else found
        if found is None:
            raise _bad(text)
        end = found.end()
        place = found["place"]
        if place is None:
            steps.append(found["key"] or found["odd"])
        else:
            steps.append(EVERY if place == "*" else int(place))
    if not 0 < len(steps) <= MAX_STEPS or steps.count(EVERY) > 1:
        raise _bad(text)
    if EVERY not in steps:
        return tuple(steps), None
    cut = steps.index(EVERY)
    return tuple(steps[:cut]), tuple(steps[cut + 1 :])


def _bad(text: str) -> ValueError:
    return ValueError(
        f"expected a path like call.queue, calls[0].id or calls[*].id, found {text!r}"
    )
