"""What /metrics says of queues known only as a whole: true, or not there."""

from prometheus_client.parser import text_string_to_metric_families

from callmon.clock import SECOND, Micros
from callmon.directory import EngineSettings
from callmon.engine import Engine
from callmon.events import ContactJoined, DayCounts, QueueReported
from callmon.queues import GroupSettings
from callmon.rules import SubjectKind
from callmon.sinks.families import subject_labels, subject_sections
from tests.stories import BASE

STALE = 90 * SECOND
Shown = dict[tuple[str, ...], float]


def shown(engine: Engine, kind: SubjectKind, name: str, now: Micros) -> Shown:
    """Return every sample of a subject: its name and labels but for the subject's."""
    row = engine.subjects[kind, name]
    found: Shown = {}
    for section in subject_sections(kind, ["15m", "today"]):
        section.key(row, now)
        text = b"".join(section.lines(subject_labels(row), row, now)).decode()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = [v for k, v in sample.labels.items() if k != kind]
                found[sample.name, *sorted(labels)] = sample.value
    return found


def told(at: Micros = BASE) -> QueueReported:
    """Return a report that leaves much out."""
    day = DayCounts(outcomes={"answered": 4, "timeout": 0}, answered_wait=60 * SECOND)
    waited = 30 * SECOND
    return QueueReported(at, "acd", 0, "sales", waiting=2, longest_wait=waited, day=day)


def test_only_what_was_told_is_there() -> None:
    """Nothing that a report leaves out is shown, neither as 0 nor otherwise."""
    engine = Engine(EngineSettings())
    engine.apply(told())
    engine.advance(BASE + SECOND)
    expected = {
        ("callmon_queue_info",): 1,
        ("callmon_queue_waiting_contacts",): 2,
        ("callmon_queue_longest_wait_seconds",): 31,
        ("callmon_queue_oldest_contact_timestamp_seconds",): BASE / SECOND - 30,
        ("callmon_queue_window_contacts", "answered", "today"): 4,
        ("callmon_queue_window_contacts", "timeout", "today"): 0,
        ("callmon_queue_average_wait_seconds", "today"): 15,
        ("callmon_contacts_unsettled",): 0,
        ("callmon_contacts_total", "answered"): 0,
        ("callmon_contacts_total", "timeout"): 0,
    }
    assert expected == shown(engine, SubjectKind.QUEUE, "sales", BASE + SECOND)


def test_of_stale_news_the_day_alone_is_left() -> None:
    """What held once is not shown as though it held now; what happened today has happened."""
    engine = Engine(EngineSettings())
    engine.apply(told())
    engine.advance(BASE + STALE)
    names = {key[0] for key in shown(engine, SubjectKind.QUEUE, "sales", BASE + STALE)}
    expected = {
        "callmon_queue_info",
        "callmon_queue_window_contacts",
        "callmon_queue_average_wait_seconds",
        "callmon_contacts_unsettled",
        "callmon_contacts_total",
    }
    assert expected == names


def test_a_group_shows_only_what_all_its_queues_tell() -> None:
    """A group with a queue that cannot tell who waits for how long does not tell it either."""
    group = GroupSettings(name="all", queues=("*",))
    engine = Engine(EngineSettings(groups=(group,)))
    engine.apply(told())
    engine.apply(ContactJoined(BASE, "acd", 1, "support", "a"))
    found = shown(engine, SubjectKind.GROUP, "all", BASE)
    assert found["callmon_group_waiting_contacts",] == 3
    assert found["callmon_group_longest_wait_seconds",] == 30
    assert ("callmon_group_waiting_over_target_contacts",) not in found
    assert not any("wait_seconds_bucket" in key[0] for key in found)
    assert ("callmon_queue_waiting_over_target_contacts",) in shown(
        engine, SubjectKind.QUEUE, "support", BASE
    )
