"""Mails as a telephone shows them, by Chromium."""

import html
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

__all__ = ["PHONE_WIDTH", "dark", "draw", "wanted_widths"]

PHONE_WIDTH = 390
"""Of the most common telephones, in CSS pixels."""

_SECONDS = 60

_QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
)


_MEASURE = """
addEventListener("load", () => {
  document.title = [...document.querySelectorAll("iframe")]
    .map(frame => frame.contentDocument.documentElement.scrollWidth).join(" ");
});
"""
"""A window is never narrower than 500 pixels; a frame is."""


def _telephones(mails: Sequence[str], height: int) -> str:
    return "".join(
        f'<iframe width="{PHONE_WIDTH}" height="{height}" srcdoc="{html.escape(mail)}"'
        ' style="border:0;margin-right:12px;"></iframe>'
        for mail in mails
    )


def _chromium(folder: Path, width: int, height: int, *arguments: str) -> str:
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("chromium is missing: run scripts/install-system-packages.sh")
    profile = f"--user-data-dir={folder / 'profile'}"
    command = [program, *_QUIET, profile, f"--window-size={width},{height}", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout


def wanted_widths(mails: Sequence[str], folder: Path) -> list[int]:
    """Return how wide each is on a telephone: more than ``PHONE_WIDTH`` must be scrolled."""
    page = folder / "measured.html"
    page.write_text(f"<title></title>{_telephones(mails, 900)}<script>{_MEASURE}</script>")
    shown = _chromium(folder, 1000, 900, "--dump-dom", page.as_uri())
    found = re.search(r"<title>([\d ]+)</title>", shown)
    assert found is not None, shown
    return [int(width) for width in found[1].split()]


def dark(mail: str) -> str:
    """Return *mail* as those see it whose telephone is set to dark."""
    return mail.replace("@media (prefers-color-scheme: dark)", "@media all")


def draw(mails: Sequence[str], height: int, picture: Path, folder: Path) -> None:
    """Write a picture of *mails*, each on a telephone of its own, side by side."""
    page = folder / "telephones.html"
    page.write_text(
        f'<body style="margin:0;white-space:nowrap;">{_telephones(mails, height)}</body>'
    )
    width = len(mails) * (PHONE_WIDTH + 12) - 12
    _chromium(folder, width, height, f"--screenshot={picture}", page.as_uri())
