"""What the JSON says is true, and what is not known is null."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from callmon.alerts import AlertKey, key_of
from callmon.clock import SECOND
from callmon.config import load_config
from callmon.events import ContactAnswered, ContactJoined, Event, QueueReported
from callmon.measures import MEASURES
from callmon.monitor import FeedState, Monitor
from callmon.plain import instant
from callmon.sinks.suppression import Suppression
from callmon.telemetry import Telemetry
from callmon.testing import ManualClock
from callmon.views import alerts_view, feed_view, queues_view, status_view
from tests.acceptance.driver import write_config

UNKNOWN = ("answer_rate", "abandonment_rate", "service_level", "average_wait", "p90_wait")
CALLER = "13800138000"
START = 1_700_000_000 * SECOND
THRESHOLDS = """\
thresholds:
  - {name: long_wait, measure: longest_wait, above: 10s, keep: 0s, severity: warning}
  - {name: few_answered, measure: answer_rate, window: 15m, below: 80%, severity: info}
"""


def sent(view: object) -> Any:
    """Return *view* as whoever asks gets it."""
    return json.loads(msgspec.json.encode(view))


class Desk:
    """A monitor with one feed and one queue in which a contact was answered."""

    def __init__(self, folder: Path) -> None:
        config = load_config(write_config(folder, thresholds=THRESHOLDS), {})
        self.clock = ManualClock(START)
        self.monitor = Monitor(
            config.engine_settings(), self.clock, Telemetry("1"), lambda _transitions: None
        )
        self.feed: FeedState = self.monitor.add_feed("log", "pbx")
        self.says()
        self.tell(ContactJoined(START, "pbx", 1, "Sales", CALLER))

    def says(self, trouble: str = "") -> None:
        """Have the feed say that it sees, or why not."""
        self.monitor.up(self.feed, not trouble, trouble or "is being read")

    def tell(self, *events: Event) -> None:
        """Have the feed tell *events*."""
        self.monitor.emit(self.feed, events, {"offset": 7})
        self.monitor.current(self.feed)

    def queue(self) -> dict[str, Any]:
        """Return what is said of the queue."""
        found: dict[str, Any] = {
            subject["name"]: subject
            for subject in sent(queues_view(self.monitor))["subjects"]
            if subject["kind"] == "queue"
        }
        sales: dict[str, Any] = found["sales"]
        return sales


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Return a monitor that is about to begin."""
    return Desk(tmp_path)


class Everybody:
    """Told of everything but what is put here."""

    def __init__(self) -> None:
        self.silenced: dict[str, Suppression] = {}  #: by threshold
        self.spoken_for: set[AlertKey] = set()
        self.asked = 0

    def suppression(self, key: AlertKey) -> Suppression | None:
        """See ``Audience``."""
        return self.silenced.get(key.threshold)

    def held(self) -> set[AlertKey]:
        """See ``Audience``."""
        self.asked += 1
        return self.spoken_for


def test_nothing_is_shown_before_it_is_known(desk: Desk) -> None:
    """While the state is being rebuilt there is neither a queue nor a threshold."""
    assert [] == sent(queues_view(desk.monitor))["subjects"]
    assert [] == sent(alerts_view(desk.monitor, Everybody()))["thresholds"]

    desk.monitor.begin()

    assert ["sales", "everybody"] == [
        subject["name"] for subject in sent(queues_view(desk.monitor))["subjects"]
    ]


def test_unknown_is_null(desk: Desk) -> None:
    """Ratios and averages of nobody are null; counts of nobody are 0; every measure stands."""
    desk.monitor.begin()

    queue = desk.queue()
    today = queue["windows"]["today"]

    assert (1, 0) == (today["arrived"], today["answered"])
    for name in (
        "answer_rate",
        "abandonment_rate",
        "service_level",
        "average_wait",
        "p90_wait",
    ):
        assert today[name] is None
    told = set(queue["live"]) | set(today)
    assert set(MEASURES) - told <= {n for n, m in MEASURES.items() if not (m.live or m.over)}


def test_figures_are_those_people_count_in(desk: Desk) -> None:
    """Seconds, not microseconds; ratios from 0 to 1."""
    desk.monitor.begin()
    answered = START + 2_500_000
    event = ContactAnswered(answered, "pbx", 2, "sales", CALLER, 2_500_000, "a")
    desk.clock = desk.monitor.clock = ManualClock(answered)
    desk.tell(event)

    queue = desk.queue()

    assert 20 == queue["target_s"]
    assert 2.5 == queue["windows"]["15m"]["average_wait"]
    assert 1 == queue["windows"]["15m"]["answer_rate"]
    assert 0 == queue["live"]["waiting"]
    assert 1 == queue["live"]["talking"]


def test_a_blind_queue_has_no_figures(desk: Desk) -> None:
    """Who waits is not known when the feed is blind, nor what happens in any window now."""
    desk.monitor.begin()
    desk.says("denied")

    queue = desk.queue()

    assert queue["blind"]
    assert {None} == set(queue["live"].values())
    assert {None} == set(queue["windows"]["today"].values())
    long_wait = sent(alerts_view(desk.monitor, Everybody()))["thresholds"][0]
    assert ("no_value", None) == (long_wait["state"], long_wait["value"])


def test_an_alert_says_what_where_and_since_when(desk: Desk) -> None:
    """Threshold, subject, limit, value and instants; and each threshold has its state."""
    desk.monitor.begin()
    desk.monitor.clock = ManualClock(START + 12 * SECOND)
    desk.monitor.current(desk.feed)
    desk.tell()

    desk.monitor.engine.advance(START + 12 * SECOND)
    view = sent(alerts_view(desk.monitor, Everybody()))

    (alert,) = view["alerts"]
    assert {
        "threshold": "long_wait",
        "queue": "sales",
        "severity": "warning",
        "limit": 10,
        "since": instant(START + 10 * SECOND),
        "ended": None,
    }.items() <= alert.items()
    assert [("long_wait", "firing", 12), ("few_answered", "no_value", None)] == [
        (each["threshold"], each["state"], each["value"]) for each in view["thresholds"]
    ]


def test_an_alert_says_whom_it_does_not_reach_and_why(desk: Desk) -> None:
    """Who silenced it, until when, and whether a storm speaks for it."""
    desk.monitor.begin()
    desk.monitor.clock = ManualClock(START + 12 * SECOND)
    desk.monitor.current(desk.feed)
    desk.tell()
    everybody = Everybody()

    (told,) = sent(alerts_view(desk.monitor, everybody))["alerts"]
    everybody.silenced["long_wait"] = Suppression(
        alertmanager="am:9093", kind="silenced", by="ana", until=START, comment="training"
    )
    (alert,) = [one for watch in desk.monitor.engine.watches() for one in watch.state.alerts()]
    everybody.spoken_for.add(key_of(alert))
    (untold,) = sent(alerts_view(desk.monitor, everybody))["alerts"]

    assert (None, False) == (told["suppression"], told["held"])
    assert untold["held"]
    assert {
        "alertmanager": "am:9093",
        "kind": "silenced",
        "by": "ana",
        "until": instant(START),
        "comment": "training",
    } == untold["suppression"]
    assert 2 == everybody.asked, "once for each page: who answers looks at thousands"


def test_a_standing_alert_shows_the_value_of_now(desk: Desk) -> None:
    """While it fires nobody looks at what only grows; who asks gets the truth."""
    desk.monitor.begin()
    desk.monitor.clock = ManualClock(START + 12 * SECOND)
    desk.monitor.current(desk.feed)
    desk.tell()
    desk.monitor.engine.advance(START + 12 * SECOND)
    desk.monitor.clock = ManualClock(START + 40 * SECOND)
    desk.monitor.current(desk.feed)

    (alert,) = sent(alerts_view(desk.monitor, Everybody()))["alerts"]

    assert (40, 40) == (alert["value"], alert["peak"])


def test_nobody_who_called_is_shown(desk: Desk) -> None:
    """No page has the id of a contact: it may be a telephone number."""
    desk.monitor.begin()
    views = (
        sent(queues_view(desk.monitor)),
        sent(alerts_view(desk.monitor, Everybody())),
        sent(status_view(desk.monitor, "1", ["feed log: gone"])),
        sent(feed_view(desk.feed)),
    )

    assert CALLER not in json.dumps(views)
    assert [{"event": "contact_joined", "at": instant(START), "queue": "Sales"}] == views[3][
        "recent"
    ]
    assert ["feed log: gone"] == views[2]["problems"]
    assert {"offset": 7} == views[3]["position"]


def test_what_a_feed_remembers_of_people_is_not_shown(desk: Desk) -> None:
    """With AMI it is the open talks: call ids, and agents by name."""
    desk.feed.position = {"heard_at": 7, "memory": f'[["{CALLER}", "Alice"]]'}

    assert {"heard_at": 7} == sent(feed_view(desk.feed))["position"]


def test_what_is_wrong_with_an_account_is_shown(desk: Desk) -> None:
    """Who looks at the status need not search the log for it."""
    desk.monitor.account(desk.feed, ("class call cannot be read",))

    (feed,) = sent(status_view(desk.monitor, "1", []))["feeds"]

    assert ["class call cannot be read"] == feed["account"]


def test_of_a_queue_known_as_a_whole_the_rest_is_null(desk: Desk) -> None:
    """What a source leaves out is null beside what it says."""
    desk.monitor.begin()
    agents = (1, 0, 2, 0, 0, 0)
    desk.tell(QueueReported(START, "pbx", 1, "Hotline", waiting=2, talking=0, agents=agents))
    found = {
        subject["name"]: subject
        for subject in sent(queues_view(desk.monitor))["subjects"]
        if subject["kind"] == "queue"
    }
    live = found["hotline"]["live"]
    assert (2, 0) == (live["waiting"], live["talking"])
    assert live["longest_wait"] is None
    assert live["agents_staffed"] == 3
    assert found["hotline"]["paused_by_reason"] is None
    assert found["hotline"]["windows"]["today"]["answered"] is None


SUBJECT = "kind name labels blind target_s live paused_by_reason windows"
ALERT = (
    "threshold queue labels severity measure window direction limit value peak since fired_at "
    "raised_at shift blind ended ended_at held suppression"
)
THRESHOLD = "threshold queue state value limit direction since"
FEED = "feed source up reason current last_event_at account"


def test_names_are_those_that_others_rely_on(desk: Desk) -> None:
    """What programs read is called as ever, and comes in the same order."""
    desk.monitor.begin()
    desk.monitor.clock = ManualClock(START + 12 * SECOND)
    desk.monitor.current(desk.feed)
    alerts = sent(alerts_view(desk.monitor, Everybody()))
    (feed,) = sent(status_view(desk.monitor, "1", []))["feeds"]

    assert SUBJECT == " ".join(desk.queue())
    assert ALERT == " ".join(alerts["alerts"][0])
    assert THRESHOLD == " ".join(alerts["thresholds"][0])
    assert FEED == " ".join(feed)
    assert f"{FEED} position recent" == " ".join(sent(feed_view(desk.feed)))
    assert '"target_s":20.0' in msgspec.json.encode(queues_view(desk.monitor)).decode()
