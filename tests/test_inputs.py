"""Where nothing is written down, nobody waits for it."""

from callmon.events import ContactJoined
from callmon.inputs import Inputs, Unwritten


def test_what_is_not_written_is_as_safe_as_it_will_be() -> None:
    """Who waits for it to be durable waits for nothing."""
    inputs: Inputs = Unwritten()
    told: list[str] = []

    inputs.record("log", [ContactJoined(1, "pbx", 1, "sales", "c-1")], (), {"offset": 7})
    inputs.passed(2)
    inputs.when_durable(lambda: told.append("durable"))

    assert ["durable"] == told
