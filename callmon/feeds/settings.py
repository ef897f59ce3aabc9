"""What each type of feed is told by callmon.yml, as values.

The YAML side of these (keys, defaults, messages) is ``callmon.config``; a feed takes its
settings and never sees YAML. Durations are microseconds.
"""

import dataclasses
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from callmon.clock import SECOND, Micros
from callmon.secret import Secret

__all__ = [
    "AmiLogin",
    "AmiTls",
    "AsteriskAmiSettings",
    "FeedSettings",
    "FirstRun",
    "LongWait",
    "MessageKind",
    "MqttSettings",
    "MqttTls",
    "MqttVersion",
    "Payload",
    "QueueLogSettings",
    "Silence",
    "SimulatorSettings",
    "StatusTopic",
    "TopicSettings",
]


class FirstRun(StrEnum):
    """What a feed does with a log it has never read before."""

    HISTORY = "history"  #: read back as far as the windows and ``today`` need
    END = "end"  #: begin with the next line


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """When a feed that says nothing is worth an alert."""

    after: Micros
    during: str | None = None  #: a calendar; None: at any time


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class QueueLogSettings:
    """Follow one Asterisk queue_log file."""

    name: str  #: of the feed
    source: str  #: of the system that writes the file
    path: Path
    first_run: FirstRun = FirstRun.HISTORY
    poll: Micros = SECOND // 5  #: how often a quiet file is looked at
    silence: Silence | None = None  #: None: it may be quiet for as long as it likes


class AmiLogin(StrEnum):
    """How the secret is shown to Asterisk."""

    MD5 = "md5"  #: as a digest of it and a challenge
    PLAIN = "plain"  #: as it is


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AmiTls:
    """How the certificate of an Asterisk is trusted."""

    ca_file: Path | None = None  #: None: the authorities of the system
    server_name: str | None = None  #: None: the host
    verify: bool = True


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AsteriskAmiSettings:
    """Listen to the Manager Interface of one Asterisk."""

    name: str  #: of the feed
    source: str  #: of the Asterisk
    username: str
    secret: Secret
    host: str = "127.0.0.1"
    port: int = 5038
    tls: AmiTls | None = None
    login: AmiLogin = AmiLogin.MD5
    ping: Micros = 10 * SECOND  #: how often a sign of life is asked for
    audit: Micros = 30 * SECOND  #: how often the queues are compared with what we believe
    wrapup: Mapping[str, Micros] = dataclasses.field(default_factory=dict)  #: by queue
    silence: Silence | None = None


class MqttVersion(StrEnum):
    """The protocol spoken with a broker."""

    AUTO = "auto"  #: 5, and 3.1.1 where the broker does not speak it
    V5 = "5"
    V311 = "3.1.1"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MqttTls:
    """How the certificate of a broker is trusted, and which one it is shown."""

    ca_file: Path | None = None  #: None: the authorities of the system
    server_name: str | None = None  #: None: the host
    verify: bool = True
    cert_file: Path | None = None
    key_file: Path | None = None


class MessageKind(StrEnum):
    """What the messages of a topic are about."""

    NATIVE = "native"  #: events in callmon's own words (docs/feeds/native.md)
    CONTACT = "contact"
    AGENT = "agent"
    QUEUE = "queue"  #: a queue as a whole


class Payload(StrEnum):
    """What a message holds."""

    JSON = "json"  #: an object, or an array of objects
    SCALAR = "scalar"  #: one number or word, as text


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TopicSettings:
    """Which topics to read, and what their messages mean.

    Where the kind is not native, each message is translated into a native event: *fields*
    says where its fields are found, *words* what the words of the source are in ours.
    """

    template: str  #: ``acd/{site}/queue/{queue}/+``: a level may be named
    kind: MessageKind = MessageKind.NATIVE
    payload: Payload = Payload.JSON
    value: str = ""  #: the native field that a scalar is
    fields: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """By native field: ``path.in.the.payload``, ``{capture}`` of the topic, or ``=text``."""
    words: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    """By native field: the source's word to ours."""
    units: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """By native field that is a duration: s, ms or us; s where nothing is said."""
    time: str = "auto"
    """How times are written: auto, rfc3339, s, ms, us, or a strptime format."""
    timezone: str = "UTC"  #: of times that do not say it
    stale_after: Micros = 90 * SECOND  #: so long a report of a queue holds


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StatusTopic:
    """Where the system behind the broker says whether it is there (a retained will)."""

    topic: str
    online: str = "online"
    offline: str = "offline"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MqttSettings:
    """Subscribe to topics of one MQTT broker."""

    name: str  #: of the feed
    source: str  #: of the system that publishes
    client_id: str  #: fixed: the broker keeps what we miss under it
    topics: tuple[TopicSettings, ...]
    host: str = "127.0.0.1"
    port: int = 1883
    tls: MqttTls | None = None
    username: str | None = None
    password: Secret | None = None
    version: MqttVersion = MqttVersion.AUTO
    session_expiry: Micros = 86_400 * SECOND  #: how long the broker keeps what we miss
    receive_maximum: int = 1_000  #: messages that may be under way unacknowledged
    keepalive: Micros = 30 * SECOND
    timeout: Micros = 10 * SECOND  #: for each answer of the broker
    agents: bool = False  #: it tells of agents: those not told of are not there
    status: StatusTopic | None = None
    silence: Silence | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LongWait:
    """A caller who is sure to come: joins *queue* at *after* and is left waiting."""

    queue: str
    after: Micros  #: since the start of the feed
    wait: Micros


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorSettings:
    """Make up a call centre."""

    name: str  #: of the feed
    source: str
    seed: int = 1  #: equal seeds give equal days
    speed: float = 1.0  #: simulated seconds per second
    queues: tuple[str, ...] | None = None  #: a choice of its queues; None: all of them
    long_wait: LongWait | None = None
    silence: Silence | None = None


FeedSettings = AsteriskAmiSettings | MqttSettings | QueueLogSettings | SimulatorSettings
"""Every type of feed: a new one is added here, in the registry and in the config models."""
