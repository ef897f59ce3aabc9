"""The keys of a feed of type ``mqtt``; what they mean together stands in ``mqtt``."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from callmon.clock import SECOND
from callmon.config.section import Section, SilenceSection
from callmon.config.values import (
    Count,
    Duration,
    Name,
    Port,
    SecretText,
    Switch,
    Text,
    Timezone,
)
from callmon.feeds.settings import MessageKind, MqttVersion, Payload

__all__ = [
    "MqttSection",
    "MqttTlsSection",
    "StatusTopicSection",
    "TopicSection",
]


def _topic(value: object) -> str:
    """Return a topic as written."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("expected a topic such as callmon/{queue}/events")
    return value


def _word(value: object) -> str:
    """Return one of our words, or nothing where such messages are to be ignored."""
    if not isinstance(value, str):
        expected = (
            'expected a word of callmon, "" to ignore it, or "null" (in quotes): not known'
        )
        raise ValueError(expected)  # noqa: TRY004 - pydantic listens to ValueError
    return value


_TopicText = Annotated[
    str,
    BeforeValidator(_topic),
    WithJsonSchema({"type": "string", "examples": ["callmon/{queue}/events"]}),
]
_WordText = Annotated[str, BeforeValidator(_word)]
_Version = Annotated[MqttVersion, WithJsonSchema({"enum": ["auto", "5", 5, "3.1.1"]})]


class MqttTlsSection(Section):
    """How the certificate of a broker is trusted, and which one it is shown."""

    ca_file: Text | None = Field(default=None, examples=["/etc/callmon/ca.pem"])
    """Trust certificates of this authority. Default: the system's."""
    server_name: Text | None = Field(default=None, examples=["broker.example"])
    """The name in the certificate, when it is not the host."""
    verify: Switch = True
    """False trusts any certificate. For tests only."""
    cert_file: Text | None = Field(default=None, examples=["/etc/callmon/callmon.pem"])
    """Our certificate, where the broker asks for one."""
    key_file: Text | None = Field(default=None, examples=["/etc/callmon/callmon.key"])
    """The key of our certificate."""


class StatusTopicSection(Section):
    """Where the system behind the broker says whether it is there, as a retained message."""

    required: ClassVar[tuple[str, ...]] = ("topic",)

    topic: _TopicText | None = Field(default=None, examples=["acd/status"])
    """One topic, without wildcards."""
    online: Name = Field(default="online", examples=["online"])
    """The message while it is there."""
    offline: Name = Field(default="offline", examples=["offline"])
    """The message, its last will, when it is not: the queues are then blind."""


class TopicSection(Section):
    """Which topics to read, and what their messages mean."""

    required: ClassVar[tuple[str, ...]] = ("topic",)
    elsewhere: ClassVar[Mapping[str, str]] = {
        "queue": '; "{queue}" in the topic is one of its levels, fields: { queue: … } a place',
        "qos": "; it is always 1, so that nothing is lost",
    }

    topic: _TopicText | None = Field(default=None, examples=["acd/{site}/queue/{queue}/call"])
    """A topic filter; `{name}` stands for one level and gives it a name, as `+` does not."""
    kind: MessageKind = MessageKind.NATIVE
    """What the messages are about: `native` in callmon's own words, else `contact`, `agent`
    or `queue`."""
    payload: Payload = Payload.JSON
    """`json`, or `scalar`: one number or word."""
    value: Name | None = Field(default=None, examples=["waiting"])
    """The native field that a scalar is."""
    fields: dict[str, Text] = Field(
        default_factory=dict, examples=[{"type": "state", "contact": "call.id"}]
    )
    """By native field: where it is found: `path.in.the.payload`, `{level}` of the topic,
    `=text`, or `{received}`."""
    words: dict[str, dict[str, _WordText]] = Field(
        default_factory=dict, examples=[{"type": {"QUEUED": "contact.joined"}}]
    )
    """By native field: what the words of the source are in callmon's. `"*"` stands for all
    others; `""` ignores a message, `"null"` says that the source cannot say."""
    units: dict[str, Literal["s", "ms", "us"]] = Field(
        default_factory=dict, examples=[{"wait_s": "ms"}]
    )
    """By native field that is a duration. Default: seconds."""
    time: Text = Field(default="auto", examples=["auto", "rfc3339", "ms", "%Y-%m-%d %H:%M:%S"])
    """How times are written: auto, rfc3339, s, ms, us, or like "%Y-%m-%d %H:%M:%S"."""
    timezone: Timezone | None = None
    """The zone of times that do not say it. Default: UTC."""
    stale_after: Duration = 90 * SECOND
    """So long a report of a queue holds; after that its figures are not known."""


def _text_or_section(value: Any) -> str:
    return "section" if isinstance(value, dict | TopicSection) else "text"


_Topic = Annotated[
    Annotated[_TopicText, Tag("text")] | Annotated[TopicSection, Tag("section")],
    Discriminator(_text_or_section),
]


class MqttSection(Section):
    """Subscribes to topics of an MQTT broker (docs/feeds/mqtt.md)."""

    required: ClassVar[tuple[str, ...]] = ("topics",)
    elsewhere: ClassVar[Mapping[str, str]] = {
        "clean_session": "; the session is always kept, so that nothing is lost",
        "clean_start": "; the session is always kept, so that nothing is lost",
        "qos": "; it is always 1, so that nothing is lost",
    }

    type: Literal["mqtt"]
    """The type of feed."""
    source: Name | None = Field(default=None, examples=["acd"])
    """The system that publishes. Default: the feed's name."""
    host: Name = Field(default="127.0.0.1", examples=["broker.example"])
    """Where the broker is."""
    port: Port | None = Field(default=None, examples=[1883])
    """Default: 1883, with tls 8883."""
    client_id: Name | None = Field(default=None, examples=["callmon-acd"])
    """What the broker keeps for us, it keeps under this name: no two clients may share it.
    Default: callmon-, and the feed's name."""
    username: Name | None = Field(default=None, examples=["callmon"])
    """Who we are, where the broker asks."""
    password: SecretText | None = None
    """The password: by `${NAME}` from the environment, never in the file itself."""
    password_file: Text | None = Field(default=None, examples=["/etc/callmon/mqtt-password"])
    """A file that holds the password."""
    tls: MqttTlsSection | None = Field(
        default=None, examples=[{"ca_file": "/etc/callmon/ca.pem"}]
    )
    """Encrypt; `tls: {}` is enough where the system trusts the certificate. Default: not."""
    version: _Version = MqttVersion.AUTO
    """`5`, `3.1.1`, or `auto`: 5, and 3.1.1 where the broker does not speak it."""
    session_expiry: Duration = 86_400 * SECOND
    """How long the broker keeps for us what comes while we are away."""
    receive_maximum: Count = Field(default=1_000, examples=[1000])
    """So many messages may be under way before the first of them is acknowledged."""
    keepalive: Duration = 30 * SECOND
    """How often a quiet broker is asked for a sign of life."""
    agents: Switch | None = None
    """It tells of agents, and those it does not tell of are not there. Default: true where a
    topic is of kind agent."""
    status: StatusTopicSection | None = Field(default=None, examples=[{"topic": "acd/status"}])
    """Where the system behind the broker says whether it is there."""
    topics: list[_Topic] | None = Field(default=None, examples=[["callmon/{queue}/events"]])
    """What to read. A topic alone brings messages in callmon's own words
    (docs/feeds/native.md)."""
    silence: SilenceSection | None = Field(default=None, examples=[{"after": "30m"}])
    """When being quiet is an alert. Default: never."""
