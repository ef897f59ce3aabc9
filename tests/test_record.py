"""Tests of ``callmon record``: what a feed hears is in the file, people and secrets are not."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from callmon import record as recording
from callmon.clock import SECOND, Micros
from callmon.decode.ami_interpreter import AmiInterpreter
from callmon.decode.recording import Mark, Marked, Transferred, format_record
from callmon.errors import FeedError
from callmon.events import ContactJoined
from callmon.feeds.recording import RecordingWriter, read_recording
from callmon.feeds.settings import AmiLogin
from callmon.record import Recorder, RecordRequest, find_feed, open_recorder, record
from callmon.replay.playback import play_recording
from callmon.sanitise import SecretsRemover
from callmon.testing import ManualClock
from tests.feeds.ami_peer import CHALLENGE, SECRET, Desk, Pbx
from tests.feeds.desk import passing, until

LENGTH: Micros = 60 * SECOND


@pytest.fixture(name="pbx")
async def _pbx(anyio_backend: str) -> AsyncIterator[Pbx]:
    assert "asyncio" == anyio_backend
    async with Pbx(ManualClock()) as pbx:
        yield pbx


def request_of(out: Path, **asked: Any) -> RecordRequest:
    """Return what the command line would have asked for."""
    return RecordRequest(config=out, feed="ami", out=out, length=LENGTH, **asked)


@asynccontextmanager
async def recording_to(
    out: Path, pbx: Pbx, login: AmiLogin = AmiLogin.MD5, **asked: Any
) -> AsyncIterator[Recorder]:
    """Record meanwhile, and let the time of the recording run out in the end."""
    request = request_of(out, **asked)
    recorder = await asyncio.to_thread(open_recorder, request, pbx.clock)
    settings = Desk(pbx, login=login).settings
    async with asyncio.TaskGroup() as tasks:
        done = tasks.create_task(record(request, settings, recorder, pbx.clock))
        await until(lambda: pbx.count("QueueStatus"))
        yield recorder
        while not done.done():
            await passing(pbx.clock, 10 * SECOND)


class Heard:
    """What is in a recording."""

    def __init__(self, path: Path) -> None:
        self.records = list(read_recording(path))

    @property
    def wire(self) -> bytes:
        """All bytes, either way."""
        return b"".join(one.data for one in self.records if isinstance(one, Transferred))

    @property
    def marks(self) -> list[str]:
        """What became of the connection."""
        return [one.mark for one in self.records if isinstance(one, Marked)]

    @property
    def joined(self) -> list[ContactJoined]:
        """Who has joined, as a replay has it."""
        lines = map(format_record, self.records)
        told = play_recording(lines, AmiInterpreter("pbx"))
        return [one for _, events in told for one in events if isinstance(one, ContactJoined)]


async def heard_in(path: Path) -> Heard:
    """Read a recording; reading blocks."""
    return await asyncio.to_thread(Heard, path)


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["r.jsonl", "r.jsonl.gz", "r.jsonl.xz"])
async def test_a_recording_can_be_replayed(tmp_path: Path, pbx: Pbx, name: str) -> None:
    """Who waited before, and who comes meanwhile; sanitised unless told otherwise."""
    out = tmp_path / name
    pbx.queues = {"sales": {"1700000000.1": 30}}

    async with recording_to(out, pbx):
        await passing(pbx.clock, 2 * SECOND)
        pbx.join(2)

    heard = await heard_in(out)
    assert ["1700000000.1", "1700000000.2"] == [event.contact for event in heard.joined]
    assert [Mark.CONNECTED, Mark.DROP, Mark.STOP] == heard.marks
    assert b"CallerIDName: Caller-" in heard.wire
    assert b"5551234" not in heard.wire


@pytest.mark.anyio
@pytest.mark.parametrize("sanitise", [True, False])
@pytest.mark.parametrize("login", AmiLogin)
async def test_no_secret_is_in_a_recording(
    tmp_path: Path, pbx: Pbx, login: AmiLogin, sanitise: bool
) -> None:
    """Neither the password, nor what it is answered with, nor the challenge."""
    out = tmp_path / "r.jsonl"

    async with recording_to(out, pbx, login, sanitise=sanitise):
        pass

    data = (await heard_in(out)).wire
    assert b": removed\r\n" in data
    for secret in (SECRET, CHALLENGE, pbx.last("Login").get("Key", SECRET)):
        assert secret.encode() not in data


@pytest.mark.anyio
async def test_a_raw_recording_has_what_was_sent(tmp_path: Path, pbx: Pbx) -> None:
    """Names and numbers stay where they were asked for."""
    out = tmp_path / "r.jsonl"

    async with recording_to(out, pbx, sanitise=False):
        pbx.join(1)

    heard = await heard_in(out)
    assert b"CallerIDName: Ann\r\n" in heard.wire
    assert b"CallerIDNum: 5551234\r\n" in heard.wire


@pytest.mark.anyio
async def test_the_names_of_queues_are_replaced_when_wanted(tmp_path: Path, pbx: Pbx) -> None:
    """They may tell whose recording it is."""
    out = tmp_path / "r.jsonl"

    async with recording_to(out, pbx, queues=True):
        pbx.join(1)

    heard = await heard_in(out)
    (joined,) = heard.joined
    assert joined.queue.startswith("queue-")
    assert b"sales" not in heard.wire


@pytest.mark.anyio
async def test_a_lost_connection_is_in_the_recording(tmp_path: Path, pbx: Pbx) -> None:
    """The feed tries again, and the recording goes on."""
    out = tmp_path / "r.jsonl"

    async with recording_to(out, pbx) as recorder:
        pbx.join(1)
        await passing(pbx.clock, 2 * SECOND)
        pbx.cut()
        while pbx.logins < 2:
            await passing(pbx.clock, SECOND)

    heard = await heard_in(out)
    assert 2 == recorder.connections == heard.marks.count(Mark.CONNECTED)
    assert 1 == len(heard.joined)


@pytest.mark.anyio
async def test_a_refused_login_ends_the_recording(tmp_path: Path, pbx: Pbx) -> None:
    """Somebody sits before the terminal, who can mend it."""
    request = request_of(tmp_path / "r.jsonl")
    recorder = await asyncio.to_thread(open_recorder, request, pbx.clock)
    settings = Desk(pbx, secret="wrong").settings

    with pytest.raises(FeedError, match="Authentication failed"):
        async with asyncio.timeout(30):
            await record(request, settings, recorder, pbx.clock)

    assert Mark.STOP == (await heard_in(request.out)).marks[-1]


@pytest.mark.anyio
async def test_a_signal_ends_the_recording_well(tmp_path: Path, pbx: Pbx) -> None:
    """With everything in the file that was heard, to the last byte."""
    request = request_of(tmp_path / "r.jsonl.xz")
    recorder = await asyncio.to_thread(open_recorder, request, pbx.clock)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(record(request, Desk(pbx).settings, recorder, pbx.clock))
        await until(lambda: pbx.count("QueueStatus"))
        os.kill(os.getpid(), signal.SIGINT)

    heard = await heard_in(request.out)
    assert Mark.STOP == heard.marks[-1]
    assert b"Action: QueueStatus\r\n" in heard.wire


def test_a_disk_that_cannot_keep_up_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recording with a hole in it would be believed."""
    monkeypatch.setattr(recording, "MAX_PENDING_BYTES", 1000)
    writer = RecordingWriter(tmp_path / "r.jsonl")
    recorder = Recorder(ManualClock(), SecretsRemover(), writer)

    for _ in range(10):
        recorder.tap("received", b"x" * 500)
    asyncio.run(recorder.finish())

    assert "slower" in recorder.trouble
    assert 2 * b"x" * 500 == Heard(tmp_path / "r.jsonl").wire


def test_a_full_disk_ends_it(tmp_path: Path) -> None:
    """And is told: half a recording is less than one thinks."""
    writer = RecordingWriter(tmp_path / "r.jsonl")
    recorder = Recorder(ManualClock(), SecretsRemover(), writer)
    with Path("/dev/full").open("wb", buffering=0) as full:
        writer._file = cast("BinaryIO", full)
        recorder.tap("received", b"x")
        asyncio.run(recorder.finish())

    assert "writing failed: No space left on device" == recorder.trouble


def test_a_file_that_is_there_already_is_refused(tmp_path: Path) -> None:
    """With its name, before anything is connected to."""
    (tmp_path / "r.jsonl").touch()

    with pytest.raises(FeedError, match=r"r\.jsonl: expected to write a new file, found: File"):
        open_recorder(request_of(tmp_path / "r.jsonl"), ManualClock())


def test_the_feed_is_found_by_name(tmp_path: Path) -> None:
    """Only feeds that talk over a wire can be recorded; the others are named in the error."""
    config = tmp_path / "callmon.yml"
    config.write_text(
        "feeds:\n"
        "  pbx1: {type: asterisk_ami, username: callmon, secret: secret-of-tests}\n"
        "  log: {type: queue_log, path: queue_log}\n"
    )
    (tmp_path / "thresholds.yml").write_text("thresholds: []\n")
    request = RecordRequest(config=config, feed="pbx1", out=tmp_path / "r")

    assert "callmon" == find_feed(request, {}).username
    wrong = RecordRequest(config=config, feed="log", out=tmp_path / "r")
    with pytest.raises(FeedError, match=r"there are: pbx1\), found 'log'"):
        find_feed(wrong, {})
