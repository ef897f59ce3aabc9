"""The page that shows every type of notification, rendered by real Alertmanagers."""

import dataclasses
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.acceptance.peers import ROOT
from tests.notifications.desk import Message
from tests.notifications.site import site
from tests.notifications.smtp import Mail
from tests.notifications.stories import FEED_DOWN, HIGH_ABANDONMENT, LONG_WAIT, NIGHT, STORM

__all__ = ["LANGUAGES", "PAGE", "PICTURES", "Rendered", "page", "rendered"]

PAGE = ROOT / "docs" / "notifications.md"
PICTURES = ROOT / "docs" / "images"

LANGUAGES = {"en": "English", "zh": "简体中文"}

_STORIES = (LONG_WAIT, HIGH_ABANDONMENT, NIGHT, STORM, FEED_DOWN)

_MAIN, _PAYLOAD = "alertmanager.yml", "alertmanager-payload.yml"
_SUITES = {_MAIN: "trixie", _PAYLOAD: "sid"}
"""The oldest version that takes each file."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Type:
    """One type of notification, and what of its body people read."""

    title: str
    how: str
    file: str
    service: str
    about: str  #: what only the notifications of one alert have in them
    read: Callable[[Any], str]


def _slack(body: Any) -> str:
    attachment = body["attachments"][0]
    return f"{attachment['title']}\n\n{attachment['text']}"


def _teams(body: Any) -> str:
    return "\n\n".join(
        str(block["text"]) for block in body["attachments"][0]["content"]["body"]
    )


def _feishu(body: Any) -> str:
    card = body["card"]
    head = card["header"]["title"]["content"].strip()
    return f"{head}\n\n{card['elements'][0]['content'].strip()}"


def _pagerduty(body: Any) -> str:
    payload = body["payload"]
    return f"{payload['summary']}\n\n{payload['custom_details']['text'].strip()}"


def _webhook(body: Any) -> str:
    alert = body["alerts"][0]
    return f"{alert['status']}: {alert['annotations']['summary']}"


_TYPES = (
    _Type(
        title="WeCom application",
        how="`wechat_configs`; plain text, so that it is readable in WeChat, too.",
        file=_MAIN,
        service="wecom",
        about="queue=support",
        read=lambda body: str(body["text"]["content"]),
    ),
    _Type(
        title="Slack",
        how="`slack_configs`.",
        file=_MAIN,
        service="slack",
        about="sales_north",
        read=_slack,
    ),
    _Type(
        title="Teams",
        how="`msteamsv2_configs`, for a workflow of Teams.",
        file=_MAIN,
        service="teams",
        about="sales_north",
        read=_teams,
    ),
    _Type(
        title="PagerDuty",
        how="`pagerduty_configs`. The incident ends with the alert.",
        file=_MAIN,
        service="pagerduty",
        about="emergency",
        read=_pagerduty,
    ),
    _Type(
        title="Telegram",
        how="`telegram_configs`; plain text.",
        file=_MAIN,
        service="telegram",
        about="emergency",
        read=lambda body: str(body["text"]),
    ),
    _Type(
        title="Webhook that opens a ticket",
        how="`webhook_configs`: everything as JSON, in every language there is.",
        file=_MAIN,
        service="ticket",
        about="pbx1_log",
        read=_webhook,
    ),
    _Type(
        title="Webhook in the words of a ticket system",
        how="`webhook_configs` with `payload`, Alertmanager 0.32 and newer.",
        file=_PAYLOAD,
        service="ticket",
        about="pbx1_log",
        read=lambda body: f"{body['title'].strip()}\n\n{body['description'].strip()}",
    ),
    _Type(
        title="Group bot of WeCom",
        how="`webhook_configs` with `payload`, Alertmanager 0.32 and newer.",
        file=_PAYLOAD,
        service="wecom-bot",
        about="queue=support",
        read=lambda body: str(body["markdown"]["content"]).strip(),
    ),
    _Type(
        title="Group bot of DingTalk",
        how="`webhook_configs` with `payload`, Alertmanager 0.32 and newer.",
        file=_PAYLOAD,
        service="dingtalk",
        about="sales_north",
        read=lambda body: str(body["markdown"]["text"]).strip(),
    ),
    _Type(
        title="Group bot of Feishu or Lark",
        how="`webhook_configs` with `payload`, Alertmanager 0.32 and newer.",
        file=_PAYLOAD,
        service="feishu",
        about="sales_north",
        read=_feishu,
    ),
)


_MAILS = (
    ("service", "queue=support"),
    ("sales", "sales_north"),
    ("service", "hotline"),
)
"""Who gets which mail."""


@dataclasses.dataclass(frozen=True, slots=True)
class Rendered:
    """What a site got in one language: of each the alert, then its end."""

    mails: list[tuple[Mail, Mail]]
    messages: list[tuple[Message, Message]]  #: one for each type


async def rendered(language: str, folder: Path) -> Rendered:
    """Let alerts fire and end at a site that reads *language*, and return what was sent."""
    messages: list[tuple[Message, Message]] = []
    mails: list[tuple[Mail, Mail]] = []
    for file, suite in _SUITES.items():
        kinds = [kind for kind in _TYPES if kind.file == file]
        async with site(suite, folder / language / suite, file, language) as there:
            await there.begin(*_STORIES)
            firing = [await there.message(kind.service, kind.about) for kind in kinds]
            begun = [await there.mail(*mail) for mail in _MAILS]
            await there.end(*_STORIES)
            over = [await there.message(kind.service, kind.about, 2) for kind in kinds]
            ended = [await there.mail(*mail, 2) for mail in _MAILS]
        messages += zip(firing, over, strict=True)
        mails = list(zip(begun, ended, strict=True))
    return Rendered(mails, messages)


def page(by_language: Mapping[str, Rendered]) -> str:
    """Return the text of the page."""
    return "\n".join(
        [*_INTRODUCTION, *_mails(by_language), *_chats(by_language), *_bodies(by_language)]
    )


_INTRODUCTION = (
    "# Notifications: what people receive",
    "",
    "Every type that `alertmanager/` has ready, as a real Alertmanager sent it to a desk in a",
    "test, while the alert lasts and when it is over. `python -m tests.notifications` writes",
    "this page; a test keeps it current. How to set them up:",
    "[alerting.md](operators/alerting.md).",
    "",
    "A line stands only where something is known. An end says how it ended: closing time is no",
    "recovery, and only a recovery is green.",
    "",
)


def _mails(by_language: Mapping[str, Rendered]) -> Iterator[str]:
    yield "## Mail"
    yield ""
    yield "As HTML on a telephone 390 pixels wide, while it lasts and when it is over:"
    yield ""
    for language, name in LANGUAGES.items():
        yield f"![Mail, {name}](images/mail-{language}.png)"
        yield ""
    yield "The same as plain text, and the mail of a storm:"
    yield ""
    for language, name in LANGUAGES.items():
        for place, what in ((0, ""), (2, " of a storm")):
            for when, mail in zip(
                ("alert", "end"), by_language[language].mails[place], strict=True
            ):
                yield f"{name}, {when}{what}:"
                yield ""
                yield from _block(f"Subject: {mail.subject}\n\n{mail.body('plain')}")


def _chats(by_language: Mapping[str, Rendered]) -> Iterator[str]:
    for place, kind in enumerate(_TYPES):
        yield f"## {kind.title}"
        yield ""
        yield f"{kind.how} What people read:"
        yield ""
        for language, name in LANGUAGES.items():
            firing, over = by_language[language].messages[place]
            for when, message in (("alert", firing), ("end", over)):
                yield f"{name}, {when}:"
                yield ""
                yield from _block(kind.read(message.body))


def _bodies(by_language: Mapping[str, Rendered]) -> Iterator[str]:
    yield "## The requests themselves"
    yield ""
    yield "For those who connect something of their own: the body of each, for the alert."
    yield ""
    for place, kind in enumerate(_TYPES):
        yield f"### Request: {kind.title}"
        yield ""
        body = by_language["en"].messages[place][0].body
        yield from _block(json.dumps(body, ensure_ascii=False, indent=2), "json")


def _block(text: str, language: str = "text") -> Iterator[str]:
    yield f"```{language}"
    # Nobody sees spaces at the end of a line, but git does.
    yield re.sub(r"[ \t]+$", "", text.strip("\n"), flags=re.MULTILINE)
    yield "```"
    yield ""
