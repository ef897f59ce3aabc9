"""What people receive: every receiver that is shipped, rendered by real Alertmanagers."""

import asyncio
import dataclasses
import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import aiohttp
import pytest
import yaml

from tests.acceptance.peers import ROOT, program
from tests.notifications.page import LANGUAGES, PAGE, PICTURES, page, rendered
from tests.notifications.picture import PHONE_WIDTH, dark, wanted_widths
from tests.notifications.site import EXTERNAL_URL, PASSWORD, Site, site
from tests.notifications.smtp import Mail
from tests.notifications.stories import (
    FEED_DOWN,
    HIGH_ABANDONMENT,
    LONG_WAIT,
    NIGHT,
    STORM,
    Story,
)

pytestmark = [pytest.mark.acceptance, pytest.mark.anyio, pytest.mark.timeout(120)]

FOLDER = ROOT / "alertmanager"
MAIN, PAYLOAD = "alertmanager.yml", "alertmanager-payload.yml"
SHIPPED = (("trixie", MAIN), ("sid", MAIN), ("sid", PAYLOAD))
"""Every version with the files it takes."""

BREACH, STORM_NAME = "QueueThresholdBreached", "QueueAlertStorm"

SECRETS = {
    "api_secret",
    "api_url",
    "bot_token",
    "routing_key",
    "service_key",
    "slack_api_url",
    "smtp_auth_password",
    "telegram_bot_token",
    "webhook_url",
    "wechat_api_secret",
}
"""Settings that would hold a secret; each has one beside it that names a file."""

ROUTES = (
    (f"alertname={BREACH} severity=warning queue=a", "supervisors"),
    (f"alertname={BREACH} severity=warning queue=a team=other", "supervisors"),
    (f"alertname={BREACH} severity=warning queue=a team=sales", "sales"),
    (f"alertname={BREACH} severity=warning group=a team=service", "service"),
    (f"alertname={BREACH} severity=warning queue=a team=sales shift=day", "sales"),
    (f"alertname={BREACH} severity=warning queue=a team=sales shift=night", "on-call"),
    (f"alertname={BREACH} severity=warning queue=a shift=night", "on-call"),
    (f"alertname={BREACH} severity=warning queue=a team=sales road=prometheus", "sales"),
    (f"alertname={BREACH} severity=critical queue=a", "managers,supervisors"),
    (f"alertname={BREACH} severity=critical queue=a team=sales", "managers,sales"),
    (f"alertname={BREACH} severity=critical queue=a team=service", "managers,service"),
    (f"alertname={BREACH} severity=critical team=sales shift=night", "managers,on-call"),
    (f"alertname={BREACH} severity=info queue=a team=sales", "mail"),
    (f"alertname={BREACH} severity=info queue=a shift=night", "mail"),
    (f"alertname={STORM_NAME} severity=critical", "managers,supervisors"),
    (f"alertname={STORM_NAME} severity=critical team=service", "managers,service"),
    (f"alertname={STORM_NAME} severity=critical team=service shift=night", "managers,on-call"),
    ("alertname=CallmonFeedDown severity=critical", "tickets,operators"),
    ("alertname=CallmonFeedSilent severity=warning", "operators"),
    ("alertname=Watchdog severity=info", "watchdog"),
    ("alertname=AnotherProduct severity=warning", "supervisors"),
)


def _amtool(suite: str, *arguments: str, good: bool = True) -> str:
    done = subprocess.run(
        [program(suite, "amtool"), *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        cwd=FOLDER,
    )
    assert good == (done.returncode == 0), done.stdout + done.stderr
    return done.stdout + done.stderr


def _loaded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text())
    return found


@pytest.fixture(name="there", params=SHIPPED, ids="-".join)
async def _there(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    suite, name = request.param
    async with site(suite, tmp_path / "site", name) as running:
        yield running


def _is_payload(there: Site) -> bool:
    return any(PAYLOAD in argument for argument in there.peer.arguments)


# ---- the files --------------------------------------------------------------------------


@pytest.mark.parametrize(("suite", "name"), SHIPPED)
def test_the_files_please_amtool(suite: str, name: str) -> None:
    """Configurations and templates load."""
    _amtool(suite, "check-config", name)


def test_an_old_alertmanager_says_why_it_refuses_the_second_file() -> None:
    """The reason for two files; where it is gone, one will do."""
    said = _amtool("trixie", "check-config", PAYLOAD, good=False)

    assert "field payload not found" in said


def test_the_two_files_differ_in_their_receivers_only() -> None:
    """Who changes a route in one of them must change the other."""
    one, other = _loaded(MAIN), _loaded(PAYLOAD)

    for part in ("route", "inhibit_rules", "templates"):
        assert one[part] == other[part]
    names = [[receiver["name"] for receiver in file["receivers"]] for file in (one, other)]
    assert names[0] == names[1]


def test_every_end_is_told() -> None:
    """Chats of Alertmanager keep the end to themselves unless told otherwise."""
    silent = [
        f"{name}: {receiver['name']}"
        for name in (MAIN, PAYLOAD)
        for receiver in _loaded(name)["receivers"]
        for kind, settings in receiver.items()
        if kind != "name"
        for one in settings
        if one.get("send_resolved") is not True
    ]

    assert [] == silent


def _inline_secrets(part: Any) -> set[str]:
    if isinstance(part, Mapping):
        own = SECRETS.intersection(part)
        return own.union(*(_inline_secrets(value) for value in part.values()))
    if isinstance(part, list):
        return set().union(*(_inline_secrets(value) for value in part))
    return set()


def test_secrets_stand_in_files_of_their_own() -> None:
    """But for the one that old versions take from nowhere else."""
    assert {"api_secret"} == _inline_secrets(_loaded(MAIN))
    assert set() == _inline_secrets(_loaded(PAYLOAD))


@pytest.mark.parametrize(("suite", "name"), SHIPPED)
def test_alerts_are_routed_to_those_they_concern(suite: str, name: str) -> None:
    """Teams, severities, the night, storms, and callmon's own health."""
    for labels, receivers in ROUTES:
        _amtool(
            suite,
            *("config", "routes", "test", f"--config.file={name}"),
            f"--verify.receivers={receivers}",
            *labels.split(),
        )


@pytest.mark.parametrize(("suite", "name"), SHIPPED)
async def test_it_runs_before_the_secrets_are_there(
    suite: str, name: str, tmp_path: Path
) -> None:
    """On the first day nothing but the missing secrets keeps a notification back."""
    async with site(suite, tmp_path / "site", name, secrets=False) as there:
        orphan = {label: value for label, value in LONG_WAIT.labels.items() if label != "team"}
        await there.begin(NIGHT, dataclasses.replace(LONG_WAIT, labels=orphan))
        message = await there.message("supervisors")

    assert "long_wait" == message.body["commonLabels"]["threshold"]


def _band(mail: Mail) -> str:
    """Return the colour of the first card of *mail*: of the band above it."""
    found = re.search(r"color:#ffffff;[^\"]*background:(#\w+);", mail.body("html"))
    assert found is not None
    return found[1]


# ---- every type, in the language it is shipped in ----------------------------------------


async def test_a_mail_says_it_as_text_and_as_html(there: Site) -> None:
    """Encrypted, with the password of the file, without the line end an editor left there."""
    await there.begin(LONG_WAIT, HIGH_ABANDONMENT)
    chinese, english = await there.mail("service"), await there.mail("sales")
    await there.end(LONG_WAIT, HIGH_ABANDONMENT)
    recovered = await there.mail("service", count=2)
    closed = await there.mail("sales", count=2)

    assert ("callmon", PASSWORD) == (english.user, english.password)
    assert "【警告】support：最长等待已达 3 分 12 秒（限值 3 分钟）" == chinese.subject
    assert "[CRITICAL] sales_north: 24.1 % of callers hung up (15 min; limit 20 %)" == (
        english.subject
    )
    assert recovered.subject.startswith("【已结束：已恢复】support：")
    assert closed.subject.startswith("[OVER: opening hours ended] sales_north: ")
    for kind in ("plain", "html"):
        # In the HTML a number and its unit stay on one line.
        said, told, ended = (
            mail.body(kind).replace("\N{NO-BREAK SPACE}", " ")
            for mail in (chinese, english, closed)
        )
        assert "3 分 12 秒" in said
        assert "在岗 7 人，空闲 2 人" in said
        assert "26.3 %" in told
        assert "0 available of 6" in told
        assert "calls 62 instead of the usual 35" in told
        assert "https://callmon.example.com/?queue=sales_north" in told
        assert "https://wiki.example.com/abandonment" in told
        assert f"{EXTERNAL_URL}/#/silences/new?filter=" in told
        assert "opening hours ended" in ended
        assert "silences/new" not in ended
        assert "recovered" not in ended
    assert ["#b45309", "#b3261e", "#1a7f37", "#57606a"] == [
        _band(mail) for mail in (chinese, english, recovered, closed)
    ]
    assert "当前：3 分 12 秒（上限 3 分钟）" in chinese.body("plain")
    assert "Now: 24.1 % in the last 15 min (limit: at most 20 %)" in english.body("plain")


async def test_a_manager_hears_of_what_is_critical_and_so_does_the_team(there: Site) -> None:
    """Both receive the alert and its end."""
    service = "feishu" if _is_payload(there) else "teams"
    await there.begin(HIGH_ABANDONMENT)
    firing, mail = await there.message(service), await there.mail("managers")
    await there.mail("sales")
    await there.end(HIGH_ABANDONMENT)
    over, last = await there.message(service, count=2), await there.mail("managers", count=2)

    said, ended = json.dumps(firing.body), json.dumps(over.body)
    assert mail.subject in said
    assert last.subject in ended
    assert "[CRITICAL] sales_north: 24.1 % of callers hung up" in said
    assert "- Likely cause: calls 62 instead of the usual 35" in said
    assert "[OVER: opening hours ended] sales_north" in ended
    assert "- At the end: 22.7 % in the last 15 min (limit: at most 20 %)" in ended


async def test_the_chats_of_a_team_say_it_in_its_language(there: Site) -> None:
    """Slack or DingTalk for sales; WeCom, application and bot, for service."""
    chat = "dingtalk" if _is_payload(there) else "slack"
    await there.begin(LONG_WAIT, HIGH_ABANDONMENT)
    english = (await there.message(chat)).body
    wecom = await there.message("wecom")
    if _is_payload(there):
        bot = (await there.message("wecom-bot")).body["markdown"]["content"]
        assert bot.startswith("**【警告】support：最长等待已达 3 分 12 秒（限值 3 分钟）**\n\n")
        assert "- 坐席：在岗 7 人，空闲 2 人\n" in bot
        assert english["markdown"]["text"].endswith("\ncallmon")
    else:
        attachment = english["attachments"][0]
        assert "#b3261e" == attachment["color"]
        assert attachment["title"].startswith("[CRITICAL] sales_north")
        assert attachment["text"].startswith("Now: 24.1 % in the last 15 min")
        assert "|Silence>" in attachment["text"]
    await there.end(LONG_WAIT, HIGH_ABANDONMENT)
    over = json.dumps((await there.message(chat, count=2)).body)
    wecom_over = await there.message("wecom", count=2)

    assert "*Over: opening hours ended*" in over
    assert "/wecom/cgi-bin/message/send" == wecom.path
    assert {"access_token": "a-token"} == wecom.query
    login = {"corpid": "ww0123456789abcdef", "corpsecret": "the-secret-of-the-application"}
    assert login == there.desk.logins[0]
    assert wecom.body["text"]["content"].startswith(
        "【警告】support：最长等待已达 3 分 12 秒（限值 3 分钟）\n"
        "当前：3 分 12 秒（上限 3 分钟）\n"
    )
    assert (
        "\n已结束：已恢复\n结束时：1 分 48 秒（上限 3 分钟）\n"
        in (wecom_over.body["text"]["content"])
    )


async def test_at_night_the_pager_rings_and_is_quiet_when_it_is_over(there: Site) -> None:
    """One incident for one breach: the same key begins and ends it."""
    await there.begin(NIGHT)
    firing, chat = await there.message("pagerduty"), await there.message("telegram")
    await there.end(NIGHT)
    over = await there.message("pagerduty", count=2)
    chat_over = await there.message("telegram", count=2)

    assert ("trigger", "resolve") == (firing.body["event_action"], over.body["event_action"])
    assert firing.body["dedup_key"] == over.body["dedup_key"]
    assert "a-routing-key" == firing.body["routing_key"]
    expected = {
        "summary": "[WARNING] emergency: service level 62 % (30 min; limit 80 %)",
        "severity": "warning",
        "class": "low_service_level",
        "component": "emergency",
        "group": "service",
    }
    assert expected == {name: firing.body["payload"][name] for name in expected}
    text = firing.body["payload"]["custom_details"]["text"]
    assert "Now: 62 % in the last 30 min (limit: at least 80 %)" in text
    assert "/telegram/bot123:a-token/sendMessage" == chat.path
    assert "Longest wait now: 48 s\nWallboard: " in chat.body["text"]
    assert "Over: recovered\nAt the end: 81 %" in chat_over.body["text"]
    assert "no such" not in there.said()


async def test_callmons_own_trouble_opens_a_ticket_and_closes_it(there: Site) -> None:
    """With what to do; the key is the same at the end."""
    await there.begin(FEED_DOWN)
    operators = (await there.message("operators")).body
    ticket = (await there.message("ticket")).body
    await there.end(FEED_DOWN)
    over = (await there.message("ticket", count=2)).body

    assert "callmon-1:9877" == operators["commonLabels"]["instance"]
    assert ("firing", "resolved") == (ticket["status"], over["status"])
    if _is_payload(there):
        assert ticket["key"] == over["key"]
        assert "[CRITICAL] feed pbx1_log is down; its queues are not seen" == (
            ticket["title"].strip()
        )
        assert "\nWhat to do: check the telephone system" in ticket["description"]
        assert "What to do" not in over["description"]
    else:
        assert ticket["groupKey"] == over["groupKey"]
        assert "action" in ticket["alerts"][0]["annotations"]


async def test_a_storm_names_the_worst(there: Site) -> None:
    """One mail for many queues, to the team and to the manager."""
    await there.begin(STORM)
    team, manager = await there.mail("service"), await there.mail("managers")
    await there.end(STORM)
    over = await there.mail("service", count=2)
    english = await there.mail("managers", count=2)

    assert "【严重】service 组告警风暴：37 个告警，其中 27 个未逐条发送" == team.subject
    assert (
        "最严重：\n- support：最长等待已达 9 分 3 秒（限值 3 分钟）\n- billing："
        in team.body("plain")
    )
    assert "The worst:\n- support: " in manager.body("plain")
    assert "billing" in manager.body("html")
    assert "【已结束：恢复逐条发送】service 组告警风暴：剩余 6 个告警" == over.subject
    assert "[OVER: sent one by one again] Alert storm of team service: 6 left" == (
        english.subject
    )


async def test_the_storms_of_two_teams_do_not_wait_for_each_other(there: Site) -> None:
    """Two groups, though one receiver hears of both: a group of two would hold back one."""
    await there.begin(STORM.told_to(team="blue"), STORM.told_to(team="green"))
    told = [await there.message("supervisors", about=team) for team in ("blue", "green")]

    assert ["blue", "green"] == [one.body["groupLabels"]["team"] for one in told]
    assert [1, 1] == [len(one.body["alerts"]) for one in told]


# ---- hostile and poor alerts -------------------------------------------------------------

HOSTILE = '#1 <b onclick="x">&{{ .ExternalURL }} "a\\b" [c](d): é'


def _hostile(story: Story) -> Story:
    names = ("summary", "summary_zh", "cause", "cause_zh", "action")
    texts = dict.fromkeys(names, f"{HOSTILE}: too long")
    return dataclasses.replace(
        story,
        labels={**story.labels, "queue": HOSTILE},
        annotations={**story.annotations, **texts},
    )


async def test_names_and_texts_stay_what_they_are(there: Site) -> None:
    """A queue may be called anything; no tag, no template, no YAML, no link comes of it."""
    await there.begin(_hostile(LONG_WAIT), _hostile(HIGH_ABANDONMENT), _hostile(NIGHT))
    mails = [await there.mail("service"), await there.mail("sales")]
    pager = (await there.message("pagerduty")).body["payload"]

    for mail in mails:
        assert HOSTILE in mail.subject
        assert HOSTILE in mail.body("plain")
        assert "<b onclick" not in mail.body("html")
        assert "&lt;b onclick=&#34;x&#34;&gt;&amp;{{ .ExternalURL }}" in mail.body("html")
    assert HOSTILE in pager["custom_details"]["text"]
    assert "[WARNING] " + HOSTILE + ": too long" == pager["summary"]
    if _is_payload(there):
        texts = [
            (await there.message("dingtalk")).body["markdown"]["text"],
            (await there.message("wecom-bot")).body["markdown"]["content"],
            (await there.message("feishu")).body["card"]["elements"][0]["content"],
        ]
        titles = [
            (await there.message("dingtalk")).body["markdown"]["title"],
            (await there.message("feishu")).body["card"]["header"]["title"]["content"],
        ]
        assert ["[CRITICAL] " + HOSTILE + ": too long"] * 2 == [one.strip() for one in titles]
        assert all(isinstance(text, str) and "<b" not in text for text in texts)
        assert all("[c] (d)" in text for text in texts)
    else:
        attachment = (await there.message("slack")).body["attachments"][0]
        assert "<b" not in attachment["title"] + attachment["text"]
        assert "&lt;b onclick" in attachment["title"]
        teams = (await there.message("teams")).body["attachments"][0]["content"]["body"]
        assert "‹b onclick" in teams[1]["text"]


@pytest.mark.parametrize("kind", ["plain", "html"])
async def test_the_link_to_a_silence_names_this_alert_and_no_other(
    there: Site, kind: str
) -> None:
    """Alertmanager itself finds exactly it, whatever its queue is called."""
    await there.begin(_hostile(LONG_WAIT.told_to(shift="day")), LONG_WAIT)
    mail = await there.mail("service", about=HOSTILE)
    link = re.search(r"/#/silences/new\?filter=([^\"\s]+)", mail.body(kind))
    assert link is not None
    matchers = unquote(link[1])
    assert ("{", "}") == (matchers[0], matchers[-1])
    filters = re.findall(r'\w+="(?:[^"\\]|\\.)*"', matchers[1:-1])
    assert ", ".join(filters) == matchers[1:-1]
    async with (
        aiohttp.ClientSession() as session,
        session.get(
            f"{there.peer.url}/api/v2/alerts", params=[("filter", one) for one in filters]
        ) as answer,
    ):
        found = await answer.json()

    assert [HOSTILE] == [alert["labels"]["queue"] for alert in found]
    assert not re.search(r"\b(shift|road)=", matchers)


async def test_what_is_not_known_leaves_no_trace(there: Site) -> None:
    """Only the summary is always there."""
    known = {"summary": "support: too long", "value": "4 min"}
    poor = dataclasses.replace(LONG_WAIT, annotations=known, over=known)
    await there.begin(poor)
    firing = await there.mail("service")
    await there.end(poor)
    over = await there.mail("service", count=2)

    lines = firing.body("plain").strip().splitlines()
    assert ["【警告】support: too long", "当前：4 分钟"] == lines[:2]
    assert lines[2].startswith("静默：https://")
    assert ["", "静默期间结束消息也不发送；静默结束后，callmon 会补发。"] == lines[3:]
    assert [
        "【已结束】support: too long",
        "已结束：不再有消息，现状请看大屏",
        "最后已知：4 分钟",
    ] == over.body("plain").strip().splitlines()
    assert "<tr>" not in firing.body("html")
    assert "#57606a" == _band(over)  # grey: nobody said that it is better


async def test_an_end_that_nobody_told_says_nothing_of_now(there: Site) -> None:
    """What was known last may be an hour old: callmon died, or another road had the alert."""
    silent = {
        name: text
        for name, text in HIGH_ABANDONMENT.annotations.items()
        if not name.startswith("ended")
    }
    await there.begin(HIGH_ABANDONMENT)
    await there.mail("sales")
    await there.end(dataclasses.replace(HIGH_ABANDONMENT, over=silent))
    over = await there.mail("sales", count=2)
    chat = "dingtalk" if _is_payload(there) else "slack"
    said = json.dumps((await there.message(chat, count=2)).body)

    for text in (over.body("plain"), over.body("html"), said):
        assert "last known" in text.lower()
        assert "nothing more is heard of it" in text
        assert not re.search("[Nn]ow\\b|At the end|Trend", text)
        assert "26.3" in text


MARKED = "_vip_ *gold* `a` ~b~ &lt;b\\[x]\nnext sales_north"


async def test_chats_find_no_marks_in_names(there: Site) -> None:
    """A queue with stars in its name is not bold; one line stays one line."""
    texts = dict.fromkeys(("summary", "summary_zh", "cause", "cause_zh"), MARKED)
    marked = dataclasses.replace(
        HIGH_ABANDONMENT, annotations={**HIGH_ABANDONMENT.annotations, **texts}
    )
    await there.begin(marked)
    mail = await there.mail("sales")
    await there.mail("managers")

    plain = "＿vip_ ∗gold∗ 'a' ∼b∼ ＆lt;b＼[x]"
    if _is_payload(there):
        chat = (await there.message("dingtalk")).body["markdown"]["text"]
        assert chat.startswith(f"**[CRITICAL] {plain} next sales_north**\n")
        assert f"Likely cause: {plain}\nnext" in chat
    else:
        chat = (await there.message("slack")).body["attachments"][0]["text"]
        assert "Likely cause: ＿vip_ ∗gold∗ 'a' ∼b∼ &amp;lt;b\\[x]\n" in chat
        teams = (await there.message("teams")).body["attachments"][0]["content"]["body"]
        assert f"[CRITICAL] {plain} next sales_north" == teams[0]["text"]
    assert f"[CRITICAL] {MARKED}".replace("\n", " ") == mail.subject


async def test_several_alerts_in_one_notification_stand_apart(there: Site) -> None:
    """As where a site groups by fewer labels: each with its own facts and its own silence."""
    other = LONG_WAIT.told_to(site="beijing")
    await there.begin(LONG_WAIT)
    await there.mail("service")
    await there.begin(other)
    both = await there.mail("service", count=2)
    await there.end(LONG_WAIT)
    mixed = await there.mail("service", count=3)

    one = "support：最长等待已达 3 分 12 秒（限值 3 分钟）"
    assert f"【警告】{one}；{one}" == both.subject
    blocks = both.body("plain").split("\n\n")
    assert ["beijing", "shanghai"] == [
        found[1]
        for block in blocks
        if (found := re.search(r"site%3D%22(\w+)%22", block)) is not None
    ]
    assert 2 == both.body("html").count('<div class="card"')
    assert f"【警告】{one}" == mixed.subject  # the one that still fires
    assert "已结束：已恢复" in mixed.body("plain")
    assert "silences/new" in mixed.body("plain")


# ---- the page and its pictures -----------------------------------------------------------


async def test_the_page_shows_what_is_sent(tmp_path: Path) -> None:
    """``python -m tests.notifications`` writes it; here it is written anew and compared."""
    by_language = {language: await rendered(language, tmp_path) for language in LANGUAGES}

    assert PAGE.read_text() == page(by_language)
    for language in LANGUAGES:
        assert (PICTURES / f"mail-{language}.png").stat().st_size <= 150_000


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_mail_fits_a_telephone(language: str, tmp_path: Path) -> None:
    """Nothing is to be scrolled sideways, light or dark, however long a name is."""
    long = LONG_WAIT.told_to(queue="a" * 60)
    summary = dict.fromkeys(("summary", "summary_zh"), f"{'a' * 60}: too long")
    long = dataclasses.replace(long, annotations={**long.annotations, **summary})
    async with site("sid", tmp_path / "site", MAIN, language) as there:
        await there.begin(LONG_WAIT, long, STORM)
        mails = [await there.mail("service", about=name) for name in ("5", "a" * 60, "37")]
    pages = [page for mail in mails for page in (mail.body("html"), dark(mail.body("html")))]

    widths = await asyncio.to_thread(wanted_widths, pages, tmp_path)

    assert [PHONE_WIDTH] * len(pages) == widths
    assert all("<img" not in html and "<script" not in html for html in pages)
