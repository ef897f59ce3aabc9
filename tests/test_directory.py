"""Names: which queue a source means."""

import pytest

from callmon.clock import SECOND
from callmon.directory import Directory, EngineSettings
from callmon.queues import BUCKETS, GroupSettings, QueueSettings, Targets, WindowSpec
from callmon.rules import SubjectKind


@pytest.mark.parametrize(
    ("source", "spelled", "name"),
    [
        ("pbx", "401", "Support"),
        ("pbx2", "401", "401@pbx2"),
        ("pbx", "BILLING", "Billing"),
        ("pbx2", "billing", "Billing"),
        ("pbx", "Vertrieb", "sales"),
        ("pbx", "sales", "sales@pbx"),
        ("pbx", "Straße", "strasse@pbx"),
    ],
)
def test_a_name_leads_to_a_queue(source: str, spelled: str, name: str) -> None:
    """Origins by source, names of any source, own names; the rest keeps its source apart."""
    directory = Directory(
        EngineSettings(
            queues=(
                QueueSettings(name="Support", origins=(("pbx", "401"),)),
                QueueSettings(name="Billing"),
                QueueSettings(name="sales", origins=(("*", "vertrieb"),)),
            ),
            sources=("pbx", "pbx2"),
        )
    )

    assert name == directory.queue_named(source, spelled)


def test_with_one_source_a_name_stands_alone() -> None:
    """Nobody is asked to tell apart what cannot be confused."""
    directory = Directory(EngineSettings(sources=("pbx",)))

    assert "support" == directory.queue_named("pbx", "SUPPORT")


def test_the_first_to_claim_a_name_has_it() -> None:
    """As in the file; a source named is nearer than any source."""
    directory = Directory(
        EngineSettings(
            queues=(
                QueueSettings(name="a", origins=(("*", "1"), ("pbx", "2"))),
                QueueSettings(name="b", origins=(("pbx", "1"), ("pbx", "2"))),
            )
        )
    )

    assert ["b", "a", "a"] == [
        directory.queue_named(*asked) for asked in (("pbx", "1"), ("other", "1"), ("pbx", "2"))
    ]


def test_settings_of_what_is_not_configured() -> None:
    """A queue of which callmon.yml says nothing has the defaults; such a group is none."""
    targets = Targets(within=30 * SECOND)
    settings = EngineSettings(targets=targets, timezone="Asia/Tokyo", labels={"site": "a"})
    directory = Directory(settings)

    expected = QueueSettings(
        name="x", labels={"site": "a"}, timezone="Asia/Tokyo", targets=targets
    )
    assert expected == directory.settings_of(SubjectKind.QUEUE, "x")
    assert directory.settings_of(SubjectKind.GROUP, "x") is None
    assert not directory.is_configured("x")


def test_groups_are_found_by_pattern() -> None:
    """A queue may be in several groups, by name or by glob."""
    groups = (
        GroupSettings(name="sales", queues=("vip", "sales_*")),
        GroupSettings(name="all", queues=("*",)),
    )
    directory = Directory(EngineSettings(groups=groups))

    assert ("sales", "all") == directory.groups_of("sales_north")
    assert ("all",) == directory.groups_of("support")


def test_every_target_is_a_bucket() -> None:
    """So that a service level can be read from any histogram."""
    directory = Directory(
        EngineSettings(
            targets=Targets(within=25 * SECOND),
            queues=(QueueSettings(name="a", targets=Targets(within=7 * SECOND)),),
            groups=(
                GroupSettings(name="g", queues=("a",), targets=Targets(within=90 * SECOND)),
            ),
        )
    )

    assert tuple(sorted({*BUCKETS, 7 * SECOND, 25 * SECOND})) == directory.bounds()


def test_zones_and_windows() -> None:
    """All zones are known beforehand; a window is found by its name."""
    window = WindowSpec(name="5m", length=300 * SECOND)
    directory = Directory(
        EngineSettings(
            windows=(window,),
            timezone="Asia/Shanghai",
            queues=(QueueSettings(name="a", timezone="Europe/Berlin"),),
            groups=(GroupSettings(name="g", queues=("a",), timezone="America/New_York"),),
        )
    )

    assert {"Asia/Shanghai", "Europe/Berlin", "America/New_York"} == directory.zones()
    assert window == directory.window("5m")
