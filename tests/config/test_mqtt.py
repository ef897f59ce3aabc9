"""Feeds of type mqtt: defaults, what may be a mistake, and the examples of the page."""

import re
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import SECOND
from callmon.config import Config, load_config
from callmon.config.mqtt_topics import overlap
from callmon.decode.messages import MessageDecoder
from callmon.decode.topics import Template
from callmon.errors import ConfigError
from callmon.events import (
    AgentChanged,
    ContactAnswered,
    Device,
    QueueReported,
)
from callmon.feeds.registry import knows_agents, stream_of
from callmon.feeds.settings import (
    MessageKind,
    MqttSettings,
    MqttTls,
    Payload,
    StatusTopic,
    TopicSettings,
)
from callmon.secret import Secret

PAGE = Path(__file__).parents[2] / "docs" / "feeds" / "mqtt.md"
DAY = 86_400 * SECOND
NOON = 1_795_320_000 * SECOND
AGENTS = 'topics: [{ topic: "a/{queue}/{agent}", kind: agent, payload: scalar, value: state }]'
TOPICS = 'topics: ["callmon/{queue}/events"]'


def loaded(folder: Path, feeds: str, thresholds: str = "") -> Config:
    """Return the configuration with these feeds."""
    (folder / "callmon.yml").write_text(f"feeds:\n{feeds}\n")
    (folder / "thresholds.yml").write_text(f"thresholds: [{thresholds}]\n")
    return load_config(folder / "callmon.yml", {"PASSWORD": "hunter2"})


def feed_of(folder: Path, keys: str) -> MqttSettings:
    """Return the settings of one feed of these keys."""
    (feed,) = loaded(folder, f"  acd: {{ type: mqtt, {keys} }}").feeds
    assert isinstance(feed, MqttSettings)
    return feed


def warnings_of(folder: Path, feeds: str, thresholds: str = "") -> list[str]:
    """Return the warnings about these feeds, without their file."""
    warnings = loaded(folder, feeds, thresholds).warnings
    return [text.removeprefix(f"{folder}/") for text in warnings]


def test_topics_are_all_that_a_broker_of_this_machine_needs(tmp_path: Path) -> None:
    """The rest has defaults; the client is called like the feed, and nothing is left out."""
    expected = MqttSettings(
        name="acd",
        source="acd",
        client_id="callmon-acd",
        topics=(TopicSettings(template="callmon/{queue}/events"),),
    )
    assert expected == feed_of(tmp_path, TOPICS)


def test_every_key_arrives_where_it_belongs(tmp_path: Path) -> None:
    """A value of each kind, in its inner unit."""
    (tmp_path / "password").write_text("hunter2\n")
    (tmp_path / "ca.pem").write_text("")
    feed = feed_of(
        tmp_path,
        "source: pbx, host: b.example, client_id: one, username: u, password_file: password,"
        " tls: { ca_file: ca.pem, server_name: b, verify: false, cert_file: ca.pem,"
        " key_file: ca.pem }, version: 5, session_expiry: 2d, receive_maximum: 50,"
        " keepalive: 5s, status: { topic: s, online: up, offline: down },"
        ' topics: [{ topic: "a/{queue}", kind: queue, fields: { waiting: n, at: t },'
        ' words: { waiting: { "-1": "null" } }, units: { longest_wait_s: ms }, time: ms,'
        " timezone: Asia/Shanghai, stale_after: 2m }]",
    )

    assert ("pbx", "b.example", 8883, "one") == (
        feed.source,
        feed.host,
        feed.port,
        feed.client_id,
    )
    assert ("u", Secret("hunter2"), "5", 2 * DAY, 50, 5 * SECOND) == (
        feed.username,
        feed.password,
        feed.version,
        feed.session_expiry,
        feed.receive_maximum,
        feed.keepalive,
    )
    ca = tmp_path / "ca.pem"
    assert feed.tls == MqttTls(
        ca_file=ca, server_name="b", verify=False, cert_file=ca, key_file=ca
    )
    assert StatusTopic(topic="s", online="up", offline="down") == feed.status
    expected = TopicSettings(
        template="a/{queue}",
        kind=MessageKind.QUEUE,
        payload=Payload.JSON,
        fields={"waiting": "n", "at": "t"},
        words={"waiting": {"-1": "null"}},
        units={"longest_wait_s": "ms"},
        time="ms",
        timezone="Asia/Shanghai",
        stale_after=120 * SECOND,
    )
    assert (expected,) == feed.topics
    assert "hunter2" not in repr(feed)


def test_the_password_is_watched(tmp_path: Path) -> None:
    """A change of its file asks for a reload."""
    (tmp_path / "password").write_text("hunter2\n")

    config = loaded(
        tmp_path, f"  a: {{ type: mqtt, username: u, password_file: password, {TOPICS} }}"
    )
    assert tmp_path / "password" in config.files


def test_the_place_in_a_stream_is_kept_by_broker_and_client(tmp_path: Path) -> None:
    """A feed may be renamed; another client of the broker has another session."""
    one = feed_of(tmp_path, f"client_id: one, {TOPICS}")
    two = feed_of(tmp_path, f"client_id: two, {TOPICS}")

    assert "mqtt 127.0.0.1 1883 one" == stream_of(one)
    assert stream_of(one) != stream_of(two)


@pytest.mark.parametrize(
    ("keys", "known"),
    [
        (TOPICS, False),
        (f"agents: true, {TOPICS}", True),
        (AGENTS, True),
        (f"agents: false, {AGENTS}", False),
    ],
)
def test_topics_of_agents_make_a_feed_that_knows_them(
    tmp_path: Path, keys: str, known: bool
) -> None:
    """Unless the operator says otherwise."""
    assert known == knows_agents(feed_of(tmp_path, keys))


@pytest.mark.parametrize(
    ("keys", "warning"),
    [
        ("", ""),
        ("host: b.example", ""),
        ('username: u, password: "${PASSWORD}"', ""),
        ('host: "::1", username: u, password: "${PASSWORD}"', ""),
        ('host: b, username: u, password: "${PASSWORD}", tls: {}', ""),
        ("username: u, password: hunter2", "password: warning: it stands in the file"),
        (
            'host: b, username: u, password: "${PASSWORD}"',
            "password: warning: the password goes over the network",
        ),
        (
            "host: b, username: u, password_file: password",
            "password_file: warning: the password goes over the network",
        ),
        (
            'host: b, username: u, password: "${PASSWORD}", tls: { verify: false }',
            "verify: warning: whoever pretends",
        ),
        ("port: 8883", "port: warning: brokers speak TLS there"),
        ("port: 8883, tls: {}", ""),
        ("port: 1883, tls: {}", "port: warning: brokers speak without TLS there"),
        ("port: 11883, tls: {}", ""),
    ],
)
def test_what_may_be_a_mistake_is_warned_of(tmp_path: Path, keys: str, warning: str) -> None:
    """A password in the open, or a port that speaks otherwise; the password is not shown."""
    (tmp_path / "password").write_text("hunter2")
    keys = f"{keys}, {TOPICS}" if keys else TOPICS

    warnings = warnings_of(tmp_path, f"  acd: {{ type: mqtt, {keys} }}")

    assert bool(warning) == bool(warnings)
    assert all(warning in text and "hunter2" not in text for text in warnings)


def test_a_mistake_in_one_topic_does_not_move_the_next(tmp_path: Path) -> None:
    """An entry that is no topic at all leaves the places of those after it right."""
    with pytest.raises(ConfigError) as caught:
        feed_of(tmp_path, 'topics: [" ", { topic: a/#/b }]')

    first, second = caught.value.problems
    assert "feeds.acd.topics[0]: expected a topic such as" in first
    assert "feeds.acd.topics[1].topic: expected # as the last level only" in second


def test_a_user_may_have_no_password(tmp_path: Path) -> None:
    """Some brokers take a token as user name, others the name in our certificate."""
    assert feed_of(tmp_path, f"username: token, {TOPICS}").password is None


@pytest.mark.parametrize(
    "keys",
    [
        'password: "hunter2hunter2"',
        'host: "mqtt://u:hunter2@b"',
        "username: u, password: { x: hunter2 }",
        "username: u, passwort: hunter2",
    ],
)
def test_messages_never_show_a_password(tmp_path: Path, keys: str) -> None:
    """Not where it stands in the wrong place, either, nor its line."""
    with pytest.raises(ConfigError) as caught:
        feed_of(tmp_path, f"{keys}, {TOPICS}")

    assert not [text for text in caught.value.problems if "hunter2" in text]
    assert all(getattr(problem, "excerpt", None) is None for problem in caught.value.problems)


def test_topics_that_meet_are_warned_of(tmp_path: Path) -> None:
    """The first counts: whoever puts the wider one before the other reads it wrongly."""
    topics = "topics: [acd/#, acd/+/call, other/call]"

    (warning,) = warnings_of(tmp_path, f"  acd: {{ type: mqtt, {topics} }}")

    expected = "callmon.yml:2:38: feeds.acd.topics[1]: warning: 'acd/#' stands before it: "
    assert warning.startswith(expected)


@pytest.mark.parametrize(
    ("second", "met"),
    [
        ("host: localhost, topics: [b/x, acd/1/call]", True),
        ("host: 127.0.0.1, topics: [b/x]", False),
        ("host: other, topics: [acd/1/call]", False),
        ("port: 1884, topics: [acd/1/call]", False),
    ],
)
def test_two_feeds_that_read_the_same_are_warned_of(
    tmp_path: Path, second: str, met: bool
) -> None:
    """Callers would be there twice; at another broker they are others."""
    warnings = warnings_of(
        tmp_path, f"  one: {{ type: mqtt, topics: [acd/#] }}\n  two: {{ type: mqtt, {second} }}"
    )

    assert met == bool(warnings)
    assert all("feeds.two.topics[1]: warning: feed 'one' reads 'acd/#'" in w for w in warnings)


@pytest.mark.parametrize(
    ("keys", "warning"),
    [
        (TOPICS, "if feed 'acd' does, say agents: true there"),
        (f"agents: true, {TOPICS}", ""),
        (
            'topics: [{ topic: "a/{queue}", kind: queue, fields: { agents.busy: b, at: t } }]',
            "",
        ),
    ],
)
def test_thresholds_of_agents_need_a_feed_that_tells_of_them(
    tmp_path: Path, keys: str, warning: str
) -> None:
    """Reports of queues may count agents; native messages are only promised to do so."""
    threshold = "{ name: a, measure: agents_available, below: 2 }"

    warnings = warnings_of(tmp_path, f"  acd: {{ type: mqtt, {keys} }}", threshold)

    assert bool(warning) == bool(warnings)
    assert all(text.endswith(warning) for text in warnings)


@pytest.mark.parametrize(
    "topic",
    [
        'topic: "acd/{site}/{queue}/{type}/{contact}", kind: contact, fields: { at: ts }',
        "topic: a, kind: contact, fields: { type: =source.restarted, at: ts }",
        (
            'topic: "a/{queue}/{contact}", kind: contact, fields: { type: =UP, at: t }, '
            "words: { type: { up: contact.joined } }"
        ),
        'topic: "a/{x}/{y}", kind: queue, fields: { queue: "{x}-{y}", day.arrived: n, at: t }',
        'topic: "a/{x}", kind: queue, payload: scalar, value: talking, fields: {queue: "{x}"}',
        'topic: "a/{queue}/{agent}", kind: agent, fields: { type: =agent.removed, at: t }',
        'topic: a, kind: agent, fields: { agent: id, queues: q, state: s, at: "{received}" }',
        (
            'topic: "a/{agent}", kind: agent, fields: { queue: q, state: s, at: t }, '
            'words: { state: { "*": AWAY, x: "null" } }'
        ),
    ],
)
def test_what_check_lets_pass_a_decoder_takes(tmp_path: Path, topic: str) -> None:
    """A file without a mistake never stops the feed."""
    feed = feed_of(tmp_path, f"topics: [{{ {topic} }}]")

    assert MessageDecoder(feed).filters


level = st.sampled_from(["a", "b", "+", "{x}", "$SYS"])
templates = st.builds(
    lambda levels, last: "/".join([*levels, *last]),
    st.lists(level, min_size=1, max_size=3).filter(lambda levels: levels.count("{x}") < 2),
    st.sampled_from([(), ("#",)]),
)
ALL_TOPICS = [
    "/".join(levels)
    for length in range(1, 5)
    for levels in product(["a", "b", "$SYS"], repeat=length)
]


@given(templates | st.just("#"), templates)
def test_templates_overlap_when_a_topic_matches_both(one: str, other: str) -> None:
    """What is warned of does happen, and what happens is warned of."""
    first, second = Template(one), Template(other)
    met = any(
        first.match(topic) is not None and second.match(topic) is not None
        for topic in ALL_TOPICS
    )

    assert met == overlap(one, other) == overlap(other, one)


def examples() -> list[tuple[str, str]]:
    """Return the messages that the page shows, each with the topics that read it."""
    text = PAGE.read_text()
    return re.findall(r"^    (\S.*)\n\n```yaml\n(topics:\n(?:.*\n)*?)```", text, re.MULTILINE)


def test_the_examples_of_the_page_mean_what_they_say(tmp_path: Path) -> None:
    """Each map is loaded without a warning and reads the message beside it."""
    topics = ["acd/north/queue/support/call", "pbx/agents", "acd/queue/support/waiting"]
    told = []
    for (message, text), topic in zip(examples(), topics, strict=True):
        indented = "".join(f"    {line}\n" for line in text.splitlines())
        config = loaded(tmp_path, f"  acd:\n    type: mqtt\n{indented}")
        (feed,) = config.feeds
        assert isinstance(feed, MqttSettings)
        assert () == config.warnings
        decoded = MessageDecoder(feed).decode(
            topic, message.encode(), retained=False, received=NOON, seq=1
        )
        assert [] == decoded.drops
        told.append(decoded.events)

    ((answered,), (first, second), (reported,)) = told
    assert isinstance(answered, ContactAnswered)
    assert ("support", "77-1", 41_100_000) == (answered.queue, answered.contact, answered.wait)
    assert isinstance(first, AgentChanged)
    assert ("support", "1001", Device.IDLE, True, "lunch") == (
        first.queue,
        first.agent,
        first.device,
        first.paused,
        first.reason,
    )
    assert isinstance(second, AgentChanged)
    assert ("vip", 1_795_341_641 * SECOND) == (second.queue, second.at)
    assert isinstance(reported, QueueReported)
    assert ("support", 3, None) == (
        reported.queue,
        reported.waiting,
        reported.longest_wait,
    )


def test_minus_one_of_the_example_is_not_known(tmp_path: Path) -> None:
    """What the source cannot say is no figure."""
    text = examples()[-1][1]
    indented = "".join(f"    {line}\n" for line in text.splitlines())
    (feed,) = loaded(tmp_path, f"  acd:\n    type: mqtt\n{indented}").feeds
    assert isinstance(feed, MqttSettings)

    decoded = MessageDecoder(feed).decode(
        "acd/queue/support/longest", b"-1", retained=True, received=NOON, seq=1
    )

    assert [None] == [
        event.longest_wait for event in decoded.events if isinstance(event, QueueReported)
    ]
