"""The drivers and their truth, without callmon running: only the product may be wrong later."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from callmon.clock import SECOND, Micros
from callmon.replay import ReplayRequest, replay_text
from tests.faults.acd import message_of
from tests.faults.pbx import line_of
from tests.faults.plan import FULL_DISK, MANY_FAULTS, Fault, schedule
from tests.faults.traffic import ACD, PBX, Centre, Step, Traffic
from tests.faults.truth import (
    GROUP,
    SHORT,
    WITHIN,
    Series,
    differences,
    expected,
    read_page,
    read_records,
    write_records,
)

START: Micros = 1_795_000_000 * SECOND
MINUTE: Micros = 60 * SECOND

CONFIG = """\
thresholds: thresholds.yml
feeds: {{pbx: {{type: queue_log, path: {folder}/queue_log}}}}
defaults:
  service_level: {{within: {within}ms}}
  short_abandon: {short}ms
groups: {{{group}: {{queues: ["*"]}}}}
"""


@contextmanager
def _silent(_total: int) -> Iterator[Callable[[int], None]]:
    yield lambda _read: None


def told(centre: Centre, seed: int = 1) -> list[Step]:
    """Return a minute of a centre and what followed from it, taken in uneven pieces."""
    traffic = Traffic(centre, seed=seed, rate=20, start=START)
    chance = random.Random(seed)
    now = START
    steps: list[Step] = []
    while not traffic.over:
        now += chance.randrange(2 * SECOND)
        if now > START + MINUTE:
            traffic.close()
        steps += traffic.until(now)
    return steps


@pytest.mark.parametrize("centre", [PBX, ACD], ids=lambda centre: centre.name)
def test_everything_happens_in_order(centre: Centre) -> None:
    """Time never falls, each visit is whole, and every end and refusal comes up."""
    steps = told(centre)
    words = {step.word for step in steps if step.kind in {"answered", "left", "refused"}}
    kinds = Counter(step.kind for step in steps)

    assert sorted(step.at for step in steps) == [step.at for step in steps]
    assert {outcome for outcome, _ in centre.ends} | {"full", "join_empty"} == words
    assert kinds["joined"] == kinds["answered"] + kinds["left"]
    assert kinds["answered"] == kinds["ended"]


def test_one_seed_is_one_story() -> None:
    """However often it is asked what has happened by now, the same has."""
    assert told(PBX, seed=3) == told(PBX, seed=3)
    assert told(PBX, seed=3) != told(PBX, seed=4)


def test_the_log_means_the_truth(tmp_path: Path) -> None:
    """A replay of the lines counts what the truth file says, to the last second of wait."""
    steps = told(PBX)
    (tmp_path / "queue_log").write_text("".join(f"{line_of(step)}\n" for step in steps))
    (tmp_path / "thresholds.yml").write_text("thresholds: []\n")
    (tmp_path / "callmon.yml").write_text(
        CONFIG.format(
            folder=tmp_path, within=WITHIN // 1_000, short=SHORT // 1_000, group=GROUP
        )
    )
    with (tmp_path / "truth").open("w") as out:
        write_records(out, steps, [""] * len(steps))
    truth = expected(read_records([tmp_path / "truth"]))

    request = ReplayRequest(
        files=[tmp_path / "queue_log"], output="metrics", config=tmp_path / "callmon.yml"
    )
    page = read_page(replay_text(request, {}, _silent))

    assert [] == differences(truth, page)
    assert len(steps) > 3_000


def test_a_page_that_is_wrong_by_one_is_found() -> None:
    """Too many, too few and a series that should not be: each is named."""
    arrived: Series = ("callmon_contacts_arrived_total", (("queue", "sales"),))
    truth = Counter({arrived: 2})

    found = [
        differences(truth, read_page(text))
        for text in (
            'callmon_contacts_arrived_total{queue="sales"} 2\n',
            'callmon_contacts_arrived_total{queue="sales"} 1\n',
            "",
            'callmon_contacts_arrived_total{queue="chat"} 1\n',
        )
    ]

    name = "callmon_contacts_arrived_total"
    none = f"{name}{{queue=sales}}: expected 2, found 0"
    assert [
        [],
        [f"{name}{{queue=sales}}: expected 2, found 1"],
        [none],
        [f"{name}{{queue=chat}}: expected 0, found 1", none],
    ] == found


def test_messages_say_what_happened() -> None:
    """Time, length, caller and id of a step are in its message, whatever form it takes."""
    step = Step(
        at=START + 1_234_000,
        kind="left",
        queue="chat",
        contact="7",
        word="timeout",
        length=SECOND * 5 // 4,
    )
    forms = {
        json.dumps(message_of(step, "7-1", random.Random(seed)), sort_keys=True)
        for seed in range(40)
    }

    for form in forms:
        message = json.loads(form)
        assert ("7", "7-1", 1.25) == (message["contact"], message["id"], message["wait_s"])
        assert message["at"] in {1_795_000_001_234, "2026-11-18T11:06:41.234Z"}
        assert message.get("outcome", "timeout") in message["type"] + "timeout"
    assert len(forms) == 8


def test_as_much_goes_wrong_as_was_promised() -> None:
    """Thirty kills, five broker restarts, ten cuts, five rotations, at times of one seed."""
    planned = schedule(MANY_FAULTS)
    count = Counter(fault for _, fault in planned)

    assert 30 == count[Fault.KILL]
    assert 5 == count[Fault.BROKER_RESTART] + count[Fault.BROKER_KILL]
    assert 10 == count[Fault.CUT]
    assert 5 == count[Fault.ROTATION]
    assert sorted(planned) == planned == schedule(MANY_FAULTS)
    full = Counter(fault for _, fault in schedule(FULL_DISK))
    assert (1, 1) == (full[Fault.FULL], full[Fault.FULL_KILL])
