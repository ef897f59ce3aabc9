"""What each choice means: shown by an editor beside the words it offers."""

from collections.abc import Mapping

from callmon.measures import Measure, Unit

__all__ = ["CHOICES", "measure_meaning", "unit_text"]

CHOICES: Mapping[str, str] = {
    "info": "Good to know.",
    "warning": "Somebody should look soon.",
    "critical": "Somebody must act now.",
    "abandons_negative": "Every abandon counts against the service level.",
    "abandons_ignored": "Abandons within the target do not count at all.",
    "abandons_positive": "Abandons within the target count as in time.",
    "answered_only": "Only the answered count: in time or not.",
    "missed": "Timeout, key_exit, empty and failed stay in the base: the promise was not kept.",
    "ignored": "Timeout, key_exit, empty and failed are left out.",
    "history": "Read back to midnight.",
    "end": "Begin with the next line.",
    "md5": "A digest of the secret and a challenge.",
    "plain": "The secret itself.",
    "native": "Events in callmon's own words.",
    "contact": "What happens to one caller.",
    "agent": "What an agent does.",
    "queue": "Figures of a queue as a whole.",
    "json": "For machines.",
    "scalar": "One number or word, as text.",
    "console": "For people.",
    "debug": "Every message.",
    "error": "Something was lost, or somebody must act.",
    "en": "English.",
    "zh-CN": "简体中文。",
    "auto": "5, and 3.1.1 where the broker does not speak it.",
    "5": "MQTT 5.",
    "3.1.1": "MQTT 3.1.1.",
    "s": "Seconds.",
    "ms": "Thousandths of a second.",
    "us": "Millionths of a second.",
}
"""By the word; one that stands in several places means the same everywhere."""

_UNITS: Mapping[Unit, str] = {
    Unit.SECONDS: "a duration like 3m",
    Unit.RATIO: "a share like 20%",
    Unit.CONTACTS: "a number of contacts like 5",
    Unit.AGENTS: "a number of agents like 2",
}


def unit_text(unit: Unit) -> str:
    """Return how a limit in *unit* is written."""
    return _UNITS[unit]


def measure_meaning(measure: Measure) -> str:
    """Return the definition of *measure*, how its limits are written, and what it needs."""
    window = "Over a window." if measure.windowed else "Live: it has no window."
    agents = " Needs a feed that tells of agents." if measure.of_agents else ""
    return f"{measure.help} {window} Its limit is {_UNITS[measure.unit]}.{agents}"
