"""The section ``feeds`` of callmon.yml: the keys of each type of feed.

Those of ``mqtt`` stand in ``mqtt_sections``; what they mean together in ``feeds``.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from callmon.clock import SECOND
from callmon.config.mqtt_sections import MqttSection
from callmon.config.section import Section, SilenceSection
from callmon.config.values import (
    Count,
    Duration,
    Name,
    Names,
    Number,
    Port,
    SecretText,
    Switch,
    Text,
)
from callmon.feeds.settings import AmiLogin, FirstRun

__all__ = [
    "AmiTlsSection",
    "AsteriskAmiSection",
    "FeedSection",
    "LongWaitSection",
    "QueueLogSection",
    "SimulatorSection",
]


class QueueLogSection(Section):
    """Follows the queue_log file of an Asterisk."""

    required: ClassVar[tuple[str, ...]] = ("path",)

    type: Literal["queue_log"]
    """The type of feed."""
    path: Text | None = Field(default=None, examples=["/var/log/asterisk/queue_log"])
    """The file. It may be missing at the start; relative paths start at this file's folder."""
    source: Name | None = Field(default=None, examples=["pbx"])
    """The system that writes the file. Default: the feed's name."""
    first_run: FirstRun = FirstRun.HISTORY
    """A log never read before: `history` reads back to midnight, `end` skips it."""
    poll: Duration = SECOND // 5
    """How often a quiet file is looked at."""
    silence: SilenceSection | None = Field(
        default=None, examples=[{"after": "30m", "during": "business_hours"}]
    )
    """When being quiet is an alert. Default: never."""


class AmiTlsSection(Section):
    """How the certificate of an Asterisk is trusted."""

    ca_file: Text | None = Field(default=None, examples=["/etc/callmon/ca.pem"])
    """Trust certificates of this authority. Default: the system's."""
    server_name: Text | None = Field(default=None, examples=["pbx.example"])
    """The name in the certificate, when it is not the host."""
    verify: Switch = True
    """False trusts any certificate. For tests only."""


class AsteriskAmiSection(Section):
    """Listens to the Manager Interface (AMI) of an Asterisk."""

    required: ClassVar[tuple[str, ...]] = ("username",)

    type: Literal["asterisk_ami"]
    """The type of feed."""
    source: Name | None = Field(default=None, examples=["pbx"])
    """The Asterisk, as queue_log feeds of it say, too. Default: the feed's name."""
    host: Name = Field(default="127.0.0.1", examples=["127.0.0.1", "pbx.example"])
    """Where it is."""
    port: Port | None = Field(default=None, examples=[5038])
    """Default: 5038, with tls 5039."""
    username: Name | None = Field(default=None, examples=["callmon"])
    """The account in manager.conf (docs/feeds/asterisk.md)."""
    secret: SecretText | None = None
    """Its secret: by `${NAME}` from the environment, never in the file itself."""
    secret_file: Text | None = Field(default=None, examples=["/etc/callmon/ami-secret"])
    """A file that holds the secret."""
    tls: AmiTlsSection | None = Field(
        default=None, examples=[{"ca_file": "/etc/callmon/ca.pem"}]
    )
    """Encrypt; `tls: {}` is enough where the system trusts the certificate. Default: not."""
    login: AmiLogin = AmiLogin.MD5
    """`md5` sends a digest of the secret, `plain` the secret itself."""
    ping: Duration = 10 * SECOND
    """How often a sign of life is asked for; two that do not come end the connection."""
    audit: Duration = 30 * SECOND
    """How often the queues are compared with what callmon believes."""
    wrapup: dict[str, Duration] = Field(default_factory=dict, examples=[{"sales": "10s"}])
    """The `wrapuptime` of queues in queues.conf, by their names there; "*" for all others."""
    silence: SilenceSection | None = Field(default=None, examples=[{"after": "5m"}])
    """When being quiet is an alert. Default: never."""


class LongWaitSection(Section):
    """One caller who is sure to come and to wait, to see an alert."""

    required: ClassVar[tuple[str, ...]] = ("queue", "wait")

    queue: Name | None = Field(default=None, examples=["vip"])
    """The queue they join."""
    after: Duration = 0
    """When they join, after the start."""
    wait: Duration | None = None
    """How long they wait."""


class SimulatorSection(Section):
    """Makes up a call centre: for demonstrations and tests."""

    type: Literal["simulator"]
    """The type of feed."""
    source: Name | None = Field(default=None, examples=["made_up"])
    """The name of the made-up system. Default: the feed's name."""
    seed: Count = Field(default=1, examples=[7])
    """Equal seeds give equal days."""
    speed: Number = Field(default=1.0, examples=[60])
    """Simulated seconds per second: 60 shows an hour in a minute."""
    queues: Names | None = Field(default=None, examples=[["support", "vip"]])
    """A choice of its queues. Default: all."""
    long_wait: LongWaitSection | None = Field(
        default=None, examples=[{"queue": "vip", "wait": "4m"}]
    )
    """One caller who is sure to come."""


FeedSection = Annotated[
    AsteriskAmiSection | MqttSection | QueueLogSection | SimulatorSection,
    Field(discriminator="type"),
]
