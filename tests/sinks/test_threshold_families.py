"""Who delivers what fires, as lines; the other families are tested with the page."""

from callmon.sinks.threshold_families import Owners, owner_lines


def test_alerts_and_storms_have_families_of_their_own() -> None:
    """The rules of Prometheus tell them apart by name."""
    owners = Owners(
        alerts={(("queue", "sales"), ("severity", "warning")): 1},
        storms={(("severity", "critical"), ("team", 'a "b"')): 0},
    )

    assert {
        "callmon_threshold_handed_over": (
            b'callmon_threshold_handed_over{queue="sales",severity="warning"} 1\n'
        ),
        "callmon_storm_handed_over": (
            b'callmon_storm_handed_over{severity="critical",team="a \\"b\\""} 0\n'
        ),
    } == {family.name: lines for family, lines in owner_lines(owners)}


def test_where_nothing_fires_there_is_no_family() -> None:
    """Absent, not 0."""
    assert [] == owner_lines(Owners())
