"""Tests of what subjects are watched for after a reload."""

import dataclasses

from tests.sites import above, engine_with, settings_with, threshold
from tests.stories import BASE, joined


def test_a_reload_moves_the_instant_at_which_a_wait_is_too_long() -> None:
    """Who waits already breaches the new limit when reaching it, not the old one."""
    strict = threshold("longest_wait", above(3), name="long_wait")
    lenient = dataclasses.replace(strict, limits=above(7))
    engine = engine_with(thresholds=(strict,))
    engine.apply_all([joined(0, "a", seq=1)])

    engine.reconfigure(settings_with(thresholds=(lenient,)), BASE + 1)
    engine.advance(BASE + 100)

    fired = {t.at - BASE for t in engine.drain() if t.kind == "fired"}
    assert {7} == fired
