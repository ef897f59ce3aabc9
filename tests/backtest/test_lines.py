"""Tests of the lines of a backtest: how often, how long, how bad, how much of it noise."""

from callmon.backtest.lines import lines_of
from callmon.clock import SECOND
from callmon.episodes import Call
from callmon.rules import Direction, Severity
from tests.backtest.made import HOUR, MINUTE, episode, queue, threshold


def test_a_line_sums_up_its_episodes() -> None:
    """Times, calls, noise, the longest and the worst of one threshold and queue."""
    calls = (Call(MINUTE, Severity.WARNING, None), Call(6 * MINUTE, Severity.CRITICAL, None))
    first = episode(MINUTE, 10 * MINUTE, worst=300, calls=calls)
    brief = episode(11 * MINUTE, 11 * MINUTE + 20 * SECOND, worst=900)
    stands = episode(50 * MINUTE, None)

    (line,) = lines_of([threshold()], [queue()], [first, brief, stands], since=0, until=HOUR)

    assert (first, brief, stands) == line.episodes
    assert (4, 1, 1) == (line.calls, line.brief, line.again)
    assert 9 * MINUTE + 20 * SECOND + 10 * MINUTE == line.lasted
    assert (stands, brief) == (line.longest, line.worst)
    assert Severity.WARNING is line.severity


def test_what_never_fired_has_a_line_too() -> None:
    """For each queue that is selected, in file order of the thresholds, and no other."""
    thresholds = [threshold("many"), threshold(queues=("sal*",))]

    lines = lines_of(thresholds, [queue("ale"), queue()], [], since=0, until=HOUR)

    assert [("many", "ale"), ("many", "sales"), ("long_wait", "sales")] == [
        (line.key.threshold, line.key.subject) for line in lines
    ]
    assert {(0, 0, None, None)} == {
        (line.calls, line.lasted, line.longest, line.worst) for line in lines
    }


def test_only_the_span_counts() -> None:
    """Of what stood when it began, neither the time nor the call before."""
    before = episode(10 * MINUTE, 40 * MINUTE)

    (line,) = lines_of([threshold()], [queue()], [before], since=30 * MINUTE, until=HOUR)

    assert (0, 10 * MINUTE) == (line.calls, line.lasted)


def test_below_the_worst_is_the_least() -> None:
    """A service level of 10 % is worse than one of 40 %."""
    bad, worse = (
        episode(at, at + 1, worst=value, direction=Direction.BELOW)
        for at, value in ((1, 40), (9, 10))
    )

    (line,) = lines_of([threshold()], [queue()], [bad, worse], since=0, until=HOUR)

    assert worse == line.worst
