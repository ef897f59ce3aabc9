"""Whether two engines will find out the same from now on, whatever happens.

Two that began at different times and have heard the same since count differently, but must
agree on all that an alert can come from: who waits, who is known, what windows hold, how
thresholds stand. Where that is equal, so is everything that follows.
"""

import hashlib
from array import array
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from callmon.engine import Engine

__all__ = ["fingerprint"]

_BEGAN: Final = ("since",)
"""Of a source: when it was first heard of."""

_COUNTED: Final = (
    "arrived",
    "counts",
    "sums",
    "bounds",
    "buckets",
    "refused",
    "corrected",
    "rings",
    "reported",
)
"""Of a subject: what only grows, and no threshold reads."""

_STORIES: Final = ("at", "ended_at", "identity")
"""Of a threshold: what does not decide about what comes."""


def fingerprint(engine: Engine) -> bytes:
    """Return a value that is equal for engines with the same future.

    Both must have the same settings, and have been told the same for as long as any window
    and any call lasts.
    """
    found = hashlib.sha256()
    parts = engine.parts(whole=True)
    agents = any(watch.measure.of_agents for watch in engine.watches())
    for key in sorted(parts):
        body = parts[key]
        for text in _future(msgspec.msgpack.decode(body or b""), agents=agents):
            found.update(text)
    for watch in engine.watches():
        story = watch.state.snapshot()
        calm = story["since"] is None
        kept = (
            ("state", story["state"] == "off")
            if calm
            else sorted((k, v) for k, v in story.items() if k not in _STORIES)
        )
        name = watch.rule.subject.id, watch.rule.threshold.name
        found.update(msgspec.json.encode([name, kept]))
    return found.digest()


def _future(part: dict[str, Any], *, agents: bool) -> Iterator[bytes]:
    """Yield what decides about what comes, of one part of a checkpoint."""
    kind = part["type"]
    if kind == "engine":
        yield _text([part["now"], part["sweep_at"]])
    elif kind == "source":
        yield _text(_without(part, _BEGAN))
    elif kind == "book":
        part["spelled"].sort()
        yield _text(part)
    elif kind == "subject":
        state = part["state"]
        samples = state.pop("samples")
        if not agents:
            del state["agents"]
        yield _text([part["kind"], part["name"], _without(state, _COUNTED)])
        yield from _samples(*samples)


def _samples(  # noqa: PLR0917 - the fields of ``SamplesPart``, in their order
    arrivals: bytes,
    at: bytes,
    codes: bytes,
    waits: bytes,
    talks_at: bytes,
    talks: bytes,
    _forgotten: int,
    before: int,
    *_last: int,
) -> Iterator[bytes]:
    yield from (arrivals, at, codes, waits, talks_at)
    totals = array("q", talks)
    yield array("q", [total - before for total in totals]).tobytes()


def _without(part: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name not in names}


def _text(part: Any) -> bytes:
    return msgspec.json.encode(part, order="sorted")
