"""Logs with everything in them that names, people and disks can put there."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from callmon.events import ContactLeft, Event
from callmon.feeds.log_cursor import Batch
from callmon.feeds.queue_log import in_order, read_file
from tests.feeds.log_site import Reader, Site

CAPTURES = Path(__file__).parents[1] / "captures" / "queue_log"


def _count(batches: Iterable[Batch]) -> tuple[dict[str, int], dict[tuple[str, str], int]]:
    kinds: Counter[str] = Counter()
    drops: Counter[tuple[str, str]] = Counter()
    for batch in batches:
        kinds.update(_kind(event) for event in batch.events)
        drops += batch.drops
    return dict(kinds), dict(drops)


def _kind(event: Event) -> str:
    if isinstance(event, ContactLeft) and event.outcome is not None:
        return event.outcome.name
    return type(event).__name__


def test_hostile_names_lose_no_call() -> None:
    """A recorded log full of odd names gives what a plain search for the verbs finds.

    Only what a line feed in a caller's name has cut off is refused, and two rows that
    somebody wrote with QueueLog().
    """
    paths = [path for path in (CAPTURES / "edge-22.10.1").iterdir() if path.suffix != ".json"]
    batches = [batch for path in in_order(paths) for batch in read_file(path, "pbx")]

    kinds, drops = _count(batches)

    assert {
        "SourceRestarted": 1,
        "ContactJoined": 42,
        "ContactAnswered": 33,
        "TalkEnded": 33,
        "RingNotAnswered": 9,
        "ABANDONED": 6,
        "TIMEOUT": 3,
    } == kinds
    assert {
        ("decode", "empty"): 1,
        ("decode", "missing_fields"): 3,
        ("decode", "unknown_verb"): 2,
    } == drops


def test_each_way_out_is_told_apart() -> None:
    """One recorded log per way of leaving a queue: each says how it was."""
    expected = {
        "abandon_during_member_gosub": {"ContactAnswered": 1, "TalkEnded": 1},
        "abandon_during_memberdelay": {"ABANDONED": 1},
        "abandon_ringing": {"RingNotAnswered": 1, "ABANDONED": 1},
        "agent_dump_then_timeout": {"RingNotAnswered": 1, "TIMEOUT": 1},
        "blind_transfer": {"ContactAnswered": 1, "TalkEnded": 1},
        "key_exit": {"KEY_EXIT": 1},
        "leave_empty": {"RingNotAnswered": 1, "EMPTY": 1},
        "timeout_app": {"TIMEOUT": 1},
        "withdraw": {"WITHDRAWN": 1},
    }
    folder = CAPTURES / "exit-paths-22"

    for name, kinds in expected.items():
        actual, drops = _count(read_file(folder / f"{name}.queue_log", "pbx"))

        assert {"ContactJoined": 1, **kinds} == actual, name
        assert {} == drops, name


def test_garbage_in_the_log_does_not_stop_following(tmp_path: Path) -> None:
    """Binary, endless lines and zeros are counted; the calls between them are seen."""
    with Site(tmp_path) as site, Reader(site.path) as reader:
        for garbage in (b"\x00" * 300, b"\xff\xfe|\x80", b"x" * 100_000, b"|" * 8000, b""):
            site.call()
            site.write(garbage + b"\n")
        site.call()
        reader.settle()

        assert [1, 2, 3, 4, 5, 6] == reader.seen
        assert {
            ("decode", "empty"): 2,
            ("decode", "missing_fields"): 1,
            ("decode", "oversized"): 1,
            ("decode", "bad_time"): 1,
        } == reader.drops


def test_an_endless_line_is_survived_by_a_restart(tmp_path: Path) -> None:
    """In the middle of a line without end the checkpoint stays before it."""
    with Site(tmp_path) as site, Reader(site.path) as reader:
        site.call()
        site.write(b"x" * 100_000)
        reader.poll()
        reader.restart()
        reader.poll()
        site.write(b"\n")
        site.call()

        assert [2] == reader.poll()
        assert {("decode", "oversized"): 1} == reader.drops


def test_a_recorded_log_gives_its_published_counts(data: Path) -> None:
    """Real logs: every line is understood, and the counts are those of their README."""
    expected = {
        "asterisk_queue_log_ringall_2010/queue_log": {"ContactJoined": 21, "ABANDONED": 12},
        "asterisk_queue_log_realtime_db_2023/queue_log": {"ContactJoined": 8, "TIMEOUT": 1},
        "anonymous_bank_1999_02/derived_queue_log.gz": {
            "ContactJoined": 31_125,
            "ContactAnswered": 27_162,
            "ABANDONED": 3_963,
        },
    }
    for name, counts in expected.items():
        kinds, drops = _count(read_file(data / name, "pbx"))

        assert counts == {kind: kinds[kind] for kind in counts}, name
        assert {} == drops, name
