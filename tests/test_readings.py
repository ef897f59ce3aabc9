"""What must hold for the definition of every measure."""

import pytest

from callmon.measures import MEASURES
from callmon.readings import Measure, Unit


@pytest.mark.parametrize("measure", MEASURES.values(), ids=lambda measure: measure.name)
def test_a_measure_that_moves_by_itself_says_how(measure: Measure) -> None:
    """Live ones tell their next change, those over a window how they move; never both."""
    assert measure.moves is None or measure.over is not None
    assert measure.moves is None or measure.next_change is None
    assert not measure.base_unit or measure.unit is Unit.RATIO
    assert measure.unit is not Unit.AGENTS or measure.of_agents
