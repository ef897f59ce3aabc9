"""The shipped Alertmanager configuration at a site whose every address is on this machine.

Addresses, the folder of secrets and the lengths of waiting are replaced; where asked, the
language. Nothing else: what is rendered here is what a site gets.
"""

import asyncio
import contextlib
import dataclasses
import json
import ssl
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import trustme

from callmon.clock import SECOND, SystemClock
from callmon.sinks.payload import rfc3339
from tests.acceptance.peers import ROOT, Peer, alertmanager, stopped_at_the_end, until
from tests.notifications.desk import Desk, Message, desk
from tests.notifications.smtp import Mail, SmtpSink, smtp_sink
from tests.notifications.stories import BEGAN, Story

__all__ = ["EXTERNAL_URL", "PASSWORD", "Site", "site"]

EXTERNAL_URL = "https://alertmanager.example.com"
PASSWORD = "a password with spaces"

WITHIN_SECONDS = 20.0
"""A notification takes a second, with two cores for everything a few."""

_SERVICES = (
    "dingtalk",
    "feishu",
    "slack",
    "teams",
    "ticket",
    "watchdog",
    "wecom-bot",
)


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """A running Alertmanager, and those it tells."""

    peer: Peer
    desk: Desk
    post: SmtpSink

    async def begin(self, *stories: Story) -> None:
        """Let the alerts fire."""
        await self._send([_alert(story, over=False) for story in stories])

    async def end(self, *stories: Story) -> None:
        """Let the alerts end."""
        await self._send([_alert(story, over=True) for story in stories])

    async def message(self, service: str, about: str = "", count: int = 1) -> Message:
        """Return the *count*-th notification of a service with *about*, when it is there."""

        def found() -> list[Message]:
            return [
                one
                for one in self.desk.messages
                if one.service == service and about in json.dumps(one.body, ensure_ascii=False)
            ]

        await until(
            lambda: len(found()) >= count, WITHIN_SECONDS, f"{service}: {self.peer.log}"
        )
        return found()[count - 1]

    async def mail(self, recipient: str, about: str = "", count: int = 1) -> Mail:
        """Return the *count*-th mail to somebody with *about*, when it is there."""

        def found() -> list[Mail]:
            return [
                one
                for one in self.post.mails
                if one.recipient.startswith(recipient) and about in one.body("plain")
            ]

        await until(
            lambda: len(found()) >= count, WITHIN_SECONDS, f"{recipient}: {self.peer.log}"
        )
        return found()[count - 1]

    def said(self) -> str:
        """Return what Alertmanager wrote into its log."""
        return self.peer.log.read_text()

    async def _send(self, alerts: Sequence[dict[str, Any]]) -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.peer.url}/api/v2/alerts", json=alerts) as answer,
        ):
            assert 200 == answer.status, await answer.text()


def _alert(story: Story, *, over: bool) -> dict[str, Any]:
    ends_at = SystemClock().now() + (0 if over else 3_600 * SECOND)
    return {
        "labels": dict(story.labels),
        "annotations": dict(story.over if over else story.annotations),
        "startsAt": rfc3339(BEGAN),
        "endsAt": rfc3339(ends_at),
        "generatorURL": story.annotations.get("wallboard", ""),
    }


def _secrets(folder: Path, url: str) -> None:
    folder.mkdir()
    for service in _SERVICES:
        # A line end is what an editor leaves behind.
        (folder / f"{service}-url").write_text(f"{url}/{service}\n")
    for name, secret in (
        ("mail-password", PASSWORD),
        ("pagerduty-key", "a-routing-key"),
        ("telegram-token", "123:a-token"),
        ("wecom-secret", "the-secret-of-the-application"),
    ):
        (folder / name).write_text(f"{secret}\n")


def _config(name: str, folder: Path, url: str, mail_port: int, language: str | None) -> Path:
    text = (ROOT / "alertmanager" / name).read_text()
    replacements = {
        "mail.example.com:587": f"localhost:{mail_port}",
        "/etc/alertmanager/secrets/": f"{folder}/secrets/",
        "https://events.pagerduty.com/v2/enqueue": f"{url}/pagerduty",
        "https://api.telegram.org": f"{url}/telegram",
        "https://qyapi.weixin.qq.com/cgi-bin/": f"{url}/wecom/cgi-bin/",
        "http://127.0.0.1:9099": url,
        "templates/": f"{ROOT}/alertmanager/templates/",
        "group_interval: 30s": "group_interval: 1s",
    }
    for old, new in replacements.items():
        assert old in text, f"{name} has no {old}"
        text = text.replace(old, new)
    if language is not None:
        for other in ("en", "zh"):
            text = text.replace(f'"callmon.{other}.', f'"callmon.{language}.')
    config = folder / name
    config.write_text(text)
    return config


def _tls(folder: Path) -> ssl.SSLContext:
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@contextlib.asynccontextmanager
async def site(
    suite: str,
    folder: Path,
    name: str = "alertmanager.yml",
    language: str | None = None,
    *,
    secrets: bool = True,
) -> AsyncIterator[Site]:
    """Run the Alertmanager of *suite* with the shipped file *name*.

    With *language*, ``en`` or ``zh``, every text is in that one. Without *secrets* it is as
    on the first day, when nobody has written them yet.
    """
    tls = await asyncio.to_thread(_tls, folder)
    async with desk() as services, smtp_sink(tls) as post:
        if secrets:
            _secrets(folder / "secrets", services.url)
        config = _config(name, folder, services.url, post.port, language)
        peer = alertmanager(suite, folder / "alertmanager", config)
        # The mail server's certificate is of an authority that only this process trusts.
        peer.arguments = [
            "/usr/bin/env",
            f"SSL_CERT_FILE={folder}/authority.pem",
            *peer.arguments,
            f"--web.external-url={EXTERNAL_URL}",
            "--web.route-prefix=/",
        ]
        with stopped_at_the_end(peer):
            await peer.start()
            yield Site(peer, services, post)
