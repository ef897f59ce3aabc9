"""Real Asterisks, with people who know what happened, watched by callmon through bad luck.

``tests.asterisk.scenario`` does it, in namespaces of its own; here is what must be true of its
report. Asterisks come from ``scripts/get-asterisk.sh``.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.acceptance.peers import ROOT
from tests.asterisk.verdict import Report

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(480)]

SCENARIO_TIMEOUT_S = 450
NAMESPACES = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
SCENARIO = [*NAMESPACES, sys.executable, "-m", "tests.asterisk.scenario", "--callmon"]
ARGUMENTS = {
    "sid": ["--calls", "320", "--pace", "1.5", "--stamps", "--rotate", "rotate"],
    "bullseye": ["--calls", "100", "--seed", "2", "--rotate", "sequential"],
}
"""The newest Asterisk with time stamps in its events, the oldest without."""

EVERY_END = {
    "abandoned",
    "answered",
    "empty",
    "key_exit",
    "lost",
    "redirected",
    "timeout",
    "withdrawn",
}


@pytest.fixture(scope="module")
def scenarios(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Mapping[str, tuple[Path, subprocess.Popen[bytes]]]]:
    """Run the scenario with each Asterisk, all at once: most of the time they wait."""
    with contextlib.ExitStack() as stack:
        started = {}
        for suite, arguments in ARGUMENTS.items():
            root = ROOT / ".tools" / f"asterisk-{suite}"
            if not (root / "usr" / "sbin" / "asterisk").exists():
                pytest.fail(f"{root} is missing: run scripts/get-asterisk.sh {suite}")
            folder = tmp_path_factory.mktemp(suite)
            out = stack.enter_context((folder / "scenario.out").open("wb"))
            process = subprocess.Popen(
                [*SCENARIO, *arguments, "--root", str(root), "--folder", str(folder)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            started[suite] = (folder, process)
        yield started


@pytest.fixture(scope="module", params=ARGUMENTS)
def report(
    request: pytest.FixtureRequest,
    scenarios: Mapping[str, tuple[Path, subprocess.Popen[bytes]]],
) -> Report:
    """Read what one of them came to."""
    folder, process = scenarios[request.param]
    ended = process.wait(SCENARIO_TIMEOUT_S)
    assert 0 == ended, (folder / "scenario.out").read_text()
    return Report.read(folder)


def page_of(report: Report) -> str:
    """Return callmon's last page of metrics."""
    return (report.folder / "metrics.txt").read_text()


def test_everything_happened(report: Report) -> None:
    """Ten cuts, every kind of end, callers at each stop: else the rest shows little."""
    outcomes = {outcome for _, outcome in report.outcomes()}
    stops = {event["what"]: event for event in report.events}

    assert report.cuts >= 10
    assert set() == EVERY_END - outcomes
    assert {"full", "join_empty"} <= {call.outcome for call in report.calls}
    assert stops["gracefully"]["open"] > 0
    assert stops["now"]["waiting"] > 0
    assert stops["kill"]["waiting"] > 0
    assert [] == [call for call in report.calls if call.odd]
    unheard = report.unheard()
    heard = {call.outcome for call in report.joined if call.is_hidden and call not in unheard}
    assert {"abandoned", "lost", "redirected"} == heard


def test_the_log_tells_what_happened(report: Report) -> None:
    """People and queue_log agree, but for what app_queue is known to write otherwise."""
    assert [] == report.contradictions()


def test_each_join_is_counted_once(report: Report) -> None:
    """Whatever was cut, stopped, killed or rotated, arrivals are those of the truth."""
    assert report.arrived() == report.counted_arrivals(page_of(report))


def test_each_outcome_is_the_truth(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    """By queue; of calls whose truth went by unheard, the log's word is as good."""
    unheard = [f"{call.queue} {call.outcome}/{call.logged}" for call in report.unheard()]
    with capsys.disabled():
        sys.stdout.write(f"\n{report.version}: nobody heard the end of {unheard}\n")

    assert [] == report.disagreements(page_of(report))


def test_refusals_are_counted_while_it_listens(report: Report) -> None:
    """The log says nothing of them: none too many, and none missing of those heard."""
    least, most = report.refusals()

    counted = report.counted_refusals(page_of(report))

    assert all(count <= most[key] for key, count in counted.items())
    assert all(count <= counted.get(key, 0) for key, count in least.items())


def test_nothing_went_wrong_inside(report: Report) -> None:
    """No traceback, and the secret stands nowhere in callmon's log."""
    log = (report.folder / "callmon.log").read_text()

    assert "Traceback" not in log
    assert "callmon-test" not in log
