"""The fields of answers that are made of the registry."""

from callmon.answers import LIVE, WINDOWED, LiveMeasures, WindowMeasures
from callmon.measures import MEASURES


def test_every_measure_is_answered_once() -> None:
    """Either of now or over a window, in the order of the registry."""
    assert list(MEASURES.values()) == sorted(
        [*LIVE, *WINDOWED], key=list(MEASURES.values()).index
    )
    assert tuple(measure.name for measure in LIVE) == LiveMeasures.__struct_fields__
    assert tuple(measure.name for measure in WINDOWED) == WindowMeasures.__struct_fields__
