"""``callmon top`` as a program on a terminal, of a callmon that is another process."""

import asyncio
import functools
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import bcrypt
import pytest
import trustme

from tests.acceptance.pty_terminal import on_terminal
from tests.acceptance.wallboard_site import MANY, Site, site

pytestmark = [pytest.mark.acceptance, pytest.mark.anyio, pytest.mark.timeout(120)]

QUIET_S = 5.0
BYTES_A_SECOND = 1_000
"""A line of 9,600 baud carries as much."""


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[Site]:
    """Give a site of twelve queues."""
    async with site(tmp_path) as running:
        yield running


def live(shown: Site, *more: str) -> list[str]:
    """Return the command line that looks at *shown* over the road that breaks."""
    return ["top", "--url", shown.url, "--interval", "500ms", *more]


async def printed(*arguments: str) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error of ``callmon top --once``."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "callmon", "top", "--once", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


async def test_once_says_what_callmon_says(centre: Site) -> None:
    """The figures are those of the API; a label chooses; no colour in a pipe."""
    centre.join("support", count=4)
    await asyncio.sleep(1)

    code, text, errors = await printed("--url", centre.direct, "--team", "service")

    assert (0, "") == (code, errors)
    assert "\x1b" not in text
    row = await centre.row("support")
    [line] = [line for line in text.splitlines() if line[2:].startswith("support ")]
    assert "▲" == line[0]
    assert f"{row['live']['waiting']}!" == line.split()[2]
    assert "sales_north" not in text


async def test_a_breach_appears_and_goes(centre: Site) -> None:
    """Worst first, within a second or two of the event, in words, sign and colour."""
    async with on_terminal(live(centre)) as shown:
        await shown.shows("✓ 12 ok")

        centre.join("support", count=4)

        found = await shown.shows("▲ 1 critical")
        assert [line for line in found if line.startswith("▲ support")]
        assert [line for line in found if line.startswith("▲ critical  support")]
        assert shown.coloured

        centre.leave("support")

        await shown.shows("✓ 12 ok")


async def test_waits_tick(centre: Site) -> None:
    """Each second, without an event."""
    joined = centre.join("vip", ago=30) - 30
    async with on_terminal(live(centre)) as shown:
        last = 29
        for _ in range(4):
            last = _waits(await shown.shows(functools.partial(_waits_longer, last)))
            assert last <= time.time() - int(joined) + 1


def _waits(lines: list[str]) -> int:
    """Return the longest wait of vip in seconds, -1 while there is none."""
    for line in lines:
        if found := re.search(r" vip +1 +(\d+):(\d\d) ", line):
            return int(found[1]) * 60 + int(found[2])
    return -1


def _waits_longer(than: int, lines: list[str]) -> bool:
    return _waits(lines) > than


async def test_keys_work(centre: Site) -> None:
    """Filter, sort, one queue, help, quit; the terminal is given back."""
    async with on_terminal(live(centre)) as shown:
        await shown.shows("✓ 12 ok")
        shown.press("/投")  # in one piece, as over a slow line
        await shown.shows("Filter: 投")
        await shown.shows(lambda lines: not any("billing" in line for line in lines))
        shown.press("\r")
        shown.press("\r")
        await shown.shows("target 20 s  site=hz  team=service")
        shown.press("\x7f")  # escape alone is read as the beginning of a key
        await shown.shows("Thresholds")
        shown.press("s")
        await shown.shows("sorted by name")
        shown.press("?")
        await shown.shows("Shapes say what colours say")
        shown.press("q")

        assert 0 == await shown.ended()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
async def test_a_signal_ends_it_in_order(centre: Site, number: signal.Signals) -> None:
    """The terminal has its cursor and its lines again."""
    async with on_terminal(live(centre)) as shown:
        await shown.shows("✓ 12 ok")
        shown.signal(number)

        assert 0 == await shown.ended()


async def test_it_follows_the_size_of_the_terminal(centre: Site) -> None:
    """Smaller and larger again."""
    async with on_terminal(live(centre), width=160) as shown:
        await shown.shows("Answered today")

        shown.resize(60, 20)
        found = await shown.shows("Thresholds")
        assert not any("Answered today" in line for line in found)

        shown.resize(160, 40)
        await shown.shows("Answered today")


async def test_the_last_picture_stays_while_the_road_is_cut(centre: Site) -> None:
    """It says how old it is, and goes on when the road is whole."""
    centre.join("vip", ago=10)
    async with on_terminal(live(centre)) as shown:
        await shown.shows("✓ 12 ok")
        await centre.road.cut()

        found = await shown.shows("connection lost: this is the picture of")
        assert [line for line in found if "vip" in line]
        before = [line for line in found if line[2:].startswith("vip")]
        await shown.shows("3 s old")
        assert before == [line for line in shown.lines() if line[2:].startswith("vip")]

        await centre.road.mend()

        await shown.shows(lambda lines: not any("connection lost" in line for line in lines))


async def test_a_callmon_that_starts_again_is_followed(centre: Site) -> None:
    """Over its restart, with what happened meanwhile."""
    async with on_terminal(live(centre)) as shown:
        await shown.shows("✓ 12 ok")
        centre.program.end()
        await shown.shows("connection lost")
        centre.join("billing", count=4)
        await centre.start()

        await shown.shows("▲ billing")


async def test_a_lost_feed_is_told(centre: Site) -> None:
    """Nothing is seen: what was last seen stays, and says of when it is."""
    async with on_terminal(live(centre), width=170) as shown:
        await shown.shows("✓ 12 ok")
        centre.blind()

        await shown.shows("✕ 12 no data")
        found = await shown.shows("log DOWN")
        assert [line for line in found if "✕ no data, as of" in line]


async def test_it_speaks_chinese(centre: Site) -> None:
    """In columns that stay in line."""
    centre.join("投诉", count=4)
    async with on_terminal(live(centre, "--lang", "zh-CN")) as shown:
        found = await shown.shows("▲ 1 严重")
        assert [line for line in found if line.startswith("▲ 投诉")]


async def test_two_hundred_queues_cost_a_slow_line_little(tmp_path: Path) -> None:
    """While nothing happens but that one caller waits, hardly anything is written."""
    async with site(tmp_path, MANY) as many:
        many.join("queue007", ago=5)
        async with on_terminal(live(many), width=160, height=50) as shown:
            await shown.shows("✓ 200 ok")
            shown.press("\x1b[F")  # End
            await shown.shows("queue199")
            shown.press("\x1b[H")
            await shown.shows("queue007")
            await asyncio.sleep(1)
            before = shown.written

            await asyncio.sleep(QUIET_S)

            assert (shown.written - before) / QUIET_S < BYTES_A_SECOND


async def test_over_tls_with_a_password(tmp_path: Path) -> None:
    """As on another machine; without the password it is said what is missing."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    (tmp_path / "password").write_text("secret\n")
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    web_config = tmp_path / "web-config.yml"
    web_config.write_text(
        json.dumps(
            {
                "tls_server_config": {"cert_file": "cert.pem", "key_file": "key.pem"},
                "basic_auth_users": {"ann": hashed},
            }
        )
    )
    known = ["--ca", str(tmp_path / "ca.pem")]
    ann = ["--user", "ann", "--password-file", str(tmp_path / "password")]
    async with site(tmp_path / "site", web_config=web_config, tls=True) as shown:
        there = ["--url", shown.direct]
        good = await printed(*there, *known, *ann)
        assert (0, "") == (good[0], good[2])
        assert "✓ 12 ok" in good[1]

        code, _, said = await printed(*there, *known)
        assert (1, True) == (code, "found status 401" in said)

        code, _, said = await printed(*there, *ann)
        assert (1, True) == (code, "CERTIFICATE_VERIFY_FAILED" in said)

        async with on_terminal(["top", *there, *known, *ann]) as screen:
            await screen.shows("✓ 12 ok")
