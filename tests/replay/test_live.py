"""Tests of replaying recordings, alone and beside the log of the same system."""

import json
import lzma
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from callmon.clock import SECOND, Micros
from callmon.decode.queue_log import QueueLogDecoder
from callmon.decode.recording import Mark, Record, format_record
from callmon.engine import EngineSettings
from callmon.errors import FeedError
from callmon.events import Outcome
from callmon.replay import (
    Played,
    ReplayRequest,
    TalliedState,
    WrongRequestError,
    play,
    replay_text,
    report_settings,
)
from callmon.replay.live import as_tailed
from callmon.rules import SubjectKind
from tests.replay.made_up import (
    BANNER,
    JOIN,
    LEAVE,
    START,
    at,
    caller_event,
    mark,
    received,
    sent,
    snapshot,
)
from tests.replay.test_replay import quiet

CAPTURES = Path(__file__).parent.parent / "captures" / "asterisk"

BEGUN = [
    mark(0, Mark.CONNECTED),
    received(0, BANNER),
    sent(0, "Action: QueueStatus\nActionID: q0"),
    received(0, snapshot("q0")),
]
HANGUP = caller_event("HangupRequest", "1", Privilege="call,all")
ABANDON = caller_event("QueueCallerAbandon", "1", HoldTime="4", OriginalPosition="1")

LOG = (
    f"{START // SECOND + 1}|1795336000.1|sales|NONE|ENTERQUEUE||1|1\n"
    f"{START // SECOND + 5}|1795336000.1|sales|NONE|EXITWITHTIMEOUT|1|1|4\n"
)


def written(path: Path, *records: Record) -> Path:
    """Write a recording and return its path."""
    path.write_text("".join(map(format_record, records)))
    return path


def log(folder: Path, text: str = LOG) -> Path:
    """Write a queue_log and return its path."""
    path = folder / "queue_log"
    path.write_text(text)
    return path


def played(*files: Path, until: Micros | None = None) -> Played:
    """Play *files* in order to count."""
    return play(
        files,
        report_settings(EngineSettings()),
        source="pbx",
        until=until,
        subject_state=TalliedState,
    )


def state(play: Played) -> TalliedState:
    """Return the state of all queues together."""
    found = play.engine.subjects[SubjectKind.GROUP, "all"]
    assert isinstance(found, TalliedState)
    return found


def outcomes(play: Played) -> list[Outcome]:
    """Return how the visits ended."""
    return [visit.outcome for visit in state(play).visits]


def test_a_recording_counts_as_a_log_does(tmp_path: Path) -> None:
    """With waits to the microsecond."""
    left = received(5.25, HANGUP + ABANDON + LEAVE)
    path = written(tmp_path / "r.jsonl", *BEGUN, received(1, JOIN), left, mark(60, Mark.STOP))

    play = played(path)

    assert [(Outcome.ABANDONED, 4_250_000)] == [
        (visit.outcome, visit.wait) for visit in state(play).visits
    ]
    assert (7, [path]) == (play.lines, list(play.files))


def test_what_both_say_is_one_truth(tmp_path: Path) -> None:
    """The log says why, the recording when; the caller is one caller."""
    variable = caller_event(
        "VarSet", "1", Privilege="dialplan,all", Variable="QUEUESTATUS", Value="TIMEOUT"
    )
    left = received(5.25, ABANDON + LEAVE + variable)
    path = written(tmp_path / "r.jsonl", *BEGUN, received(1.5, JOIN), left, mark(60, Mark.STOP))

    play = played(path, log(tmp_path))

    assert 1 == state(play).arrived
    assert [(at(1.5), at(5.25), Outcome.TIMEOUT, 3_750_000)] == state(play).visits


def test_the_log_decides_where_the_recording_cannot(tmp_path: Path) -> None:
    """An account that sees no variables cannot tell why a caller went who did not hang up."""
    left = received(5.25, ABANDON + LEAVE)
    path = written(tmp_path / "r.jsonl", *BEGUN, received(1.5, JOIN), left, mark(60, Mark.STOP))

    assert [Outcome.LOST] == outcomes(played(path))
    assert [Outcome.TIMEOUT] == outcomes(played(path, log(tmp_path)))


def test_the_order_of_files_does_not_matter(tmp_path: Path) -> None:
    """Recordings and logs are told apart by content and put in order by time."""
    first = written(tmp_path / "b", *BEGUN, received(1.5, JOIN), mark(3, Mark.STOP))
    left = received(5.25, ABANDON + LEAVE)
    again = [
        mark(4, Mark.CONNECTED),
        received(4, BANNER),
        sent(4, "Action: QueueStatus\nActionID: q1"),
        received(4, snapshot("q1", "1")),
    ]
    second = written(tmp_path / "a", *again, left, mark(60, Mark.STOP))
    queue_log = log(tmp_path)

    play = played(second, queue_log, first)

    assert [queue_log, first, second] == list(play.files)
    assert 1 == state(play).arrived
    assert [Outcome.TIMEOUT] == outcomes(play)


def test_two_recordings_of_one_time_are_refused(tmp_path: Path) -> None:
    """They would tell everything twice."""
    one = written(tmp_path / "one", *BEGUN, received(9, JOIN))
    other = written(tmp_path / "other", mark(8, Mark.CONNECTED), received(10, BANNER))

    with pytest.raises(WrongRequestError, match=r"other begins before another recording has"):
        played(one, other)


def test_who_waits_at_the_end_still_waits(tmp_path: Path) -> None:
    """The end of a recording is no loss of the connection."""
    path = written(tmp_path / "r", *BEGUN, received(1, JOIN), mark(60, Mark.STOP))

    play = played(path)

    assert [at(1)] == state(play).starts
    assert not state(play).blind


def test_a_recording_that_ends_blind_is_blind(tmp_path: Path) -> None:
    """Its connection was lost: nobody knows who waits."""
    path = written(tmp_path / "r", *BEGUN, received(1, JOIN), mark(9, Mark.EOF))

    assert state(played(path)).blind
    assert not state(played(path, log(tmp_path))).blind


def test_the_state_at_an_instant_can_be_asked_for(tmp_path: Path) -> None:
    """It is the one after everything of that instant, whenever it was told."""
    left = received(5.25, ABANDON + LEAVE)
    path = written(tmp_path / "r", *BEGUN, received(1.5, JOIN), left, mark(60, Mark.STOP))
    queue_log = log(tmp_path)

    assert [at(1.5)] == state(played(path, queue_log, until=at(4))).starts
    assert [] == state(played(path, queue_log, until=at(5.25))).starts
    assert at(4) == played(path, queue_log, until=at(4)).engine.now


def test_a_damaged_recording_is_told_by_name(tmp_path: Path) -> None:
    """Half of it would be half of the truth."""
    path = tmp_path / "r"
    path.write_text('{"t": 1795336000.0, "mark": "connected"}\n{"t": 17\n{}\n')

    with pytest.raises(FeedError, match=r"/r: line 2: recording: expected one JSON"):
        played(path)


def test_a_line_of_a_log_is_heard_when_its_second_is_over() -> None:
    """A daemon that follows it cannot have read it earlier; the file's order stays."""
    text = LOG + LOG.replace("1795336000.1", "1795336000.2")
    events = QueueLogDecoder("pbx").decode(text.encode())

    told = [(one.at, one.live, len(one.events)) for one in as_tailed([events[:1], events[1:]])]

    assert [(at(2), False, 1), (at(6), False, 1), (at(6), False, 1), (at(6), False, 1)] == told


def _source_of(tmp_path: Path, text: str, **asked: Any) -> str:
    config = tmp_path / "callmon.yml"
    config.write_text(text)
    (tmp_path / "thresholds.yml").write_text("thresholds: []\n")
    path = written(tmp_path / "r", *BEGUN, received(1, JOIN), mark(60, Mark.STOP))
    request = ReplayRequest(files=(path,), config=config, output="json", **asked)
    (name,) = json.loads(replay_text(request, {}, quiet))["queues"]
    assert isinstance(name, str)
    return name


AMI = "{type: asterisk_ami, username: callmon, secret: secret-of-tests"


def test_the_source_is_that_of_the_feed(tmp_path: Path) -> None:
    """Of several, the one that is named; a queue of two sources has theirs in its name."""
    one = f"feeds:\n  a: {AMI}, source: here}}\n  s: {{type: simulator, source: there}}\n"
    two = f"feeds:\n  a: {AMI}, source: here}}\n  b: {AMI}, host: b, source: there}}\n"

    assert "sales@here" == _source_of(tmp_path, one)
    assert "sales@there" == _source_of(tmp_path, two, source="there")
    with pytest.raises(WrongRequestError, match="choose by --source"):
        _source_of(tmp_path, two)


@pytest.mark.parametrize("scenario", ["22.10.1/transfers", "22.10.1/restart-stop"])
def test_a_real_recording_and_its_log_are_one_source(tmp_path: Path, scenario: str) -> None:
    """Nobody is counted twice or forgotten, whichever of them is there."""
    recording = CAPTURES / scenario / "ami.jsonl.xz"
    text = b""
    with lzma.open(CAPTURES / scenario / "queue_log.jsonl.xz") as lines:
        for line in map(json.loads, lines):
            text += line.get("s", "").encode("latin-1")
    queue_log = tmp_path / "queue_log"
    queue_log.write_bytes(text)
    both, alone = state(played(recording, queue_log)), state(played(queue_log))

    for one in (both, alone, state(played(recording))):
        assert one.arrived == len(one.visits) + len(one.starts)
    assert alone.arrived == both.arrived


def test_progress_adds_up_over_all_files(tmp_path: Path) -> None:
    """So that the bar arrives at its end."""
    path = written(tmp_path / "r", *BEGUN, received(1, JOIN), mark(60, Mark.STOP))
    queue_log = log(tmp_path)
    read: list[int] = []
    note: Callable[[int], None] = read.append
    files: Iterable[Path] = (path, queue_log)

    play(list(files), report_settings(EngineSettings()), source="pbx", progress=note)

    assert sum(file.stat().st_size for file in files) == sum(read)
