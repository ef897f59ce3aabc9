"""The sections of callmon.yml as pydantic models: keys, types, defaults, descriptions.

These are the source of ``config/callmon.schema.json`` and of the tables in
``docs/operators/configuration.md``. What a key means to several sections at once (names
that must exist, keys that exclude each other) is checked in ``callmon.config.build``.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, model_validator

from callmon.clock import SECOND
from callmon.config.nodes import Document, Loc
from callmon.config.problems import nearest, one_of
from callmon.config.values import (
    Address,
    Count,
    Duration,
    Name,
    Names,
    Number,
    Port,
    SecretText,
    Switch,
    Text,
    Timezone,
    Url,
    WindowName,
)
from callmon.feeds.settings import AmiLogin, FirstRun
from callmon.queues import Formula, Overflow

__all__ = [
    "AgentsSection",
    "AlertingSection",
    "AlertmanagerSection",
    "AmiTlsSection",
    "AsteriskAmiSection",
    "BasicAuthSection",
    "CallmonFile",
    "DefaultsSection",
    "FeedSection",
    "GroupSection",
    "LimitsSection",
    "LoggingSection",
    "LongWaitSection",
    "OriginSection",
    "QueueLogSection",
    "QueueSection",
    "Section",
    "ServerSection",
    "ServiceLevelSection",
    "SilenceSection",
    "SimulatorSection",
    "StorageSection",
    "TargetsSection",
    "TlsSection",
]


class Section(BaseModel):
    """A mapping with known keys only; each key must have a value, sections may be empty."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    required: ClassVar[tuple[str, ...]] = ()
    """Keys that must be there, for the JSON Schema; ``build`` says so in words."""
    elsewhere: ClassVar[Mapping[str, str]] = {}
    """Keys that people look for here, and what to do instead."""

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any, info: ValidationInfo) -> Any:
        document = info.context
        if not isinstance(data, dict) or not isinstance(document, Document):
            return data
        loc = document.locs.get(id(data), ())
        known = {field.alias or key: field for key, field in cls.model_fields.items()}
        kept = {}
        for key, value in data.items():
            if key not in known:
                cls._report_unknown(document, loc, key, list(known))
            elif value is not None:
                kept[key] = value
            elif known[key].default_factory is None and not document.wrong(*loc, key):
                message = "expected a value, found nothing; give one or remove the key"
                document.report((*loc, key), message, key=True)
        return kept

    @classmethod
    def _report_unknown(cls, document: Document, loc: Loc, key: str, known: list[str]) -> None:
        hint = cls.elsewhere.get(key) or one_of(key, known, what="known keys")
        document.report((*loc, key), f"unknown key '{key}'{hint}", key=True)
        meant = nearest(key, known)
        if meant is not None:
            document.misspelt((*loc, meant))


class SilenceSection(Section):
    """A feed that should speak, and does not."""

    required: ClassVar[tuple[str, ...]] = ("after",)

    after: Duration | None = Field(default=None, examples=["30m"])
    """No event for so long is an alert."""
    during: Name | None = Field(default=None, examples=["business_hours"])
    """A calendar of thresholds.yml: quiet outside it is no wonder. Default: always."""


class QueueLogSection(Section):
    """Follows the queue_log file of an Asterisk."""

    required: ClassVar[tuple[str, ...]] = ("path",)

    type: Literal["queue_log"]
    """The type of feed."""
    path: Text | None = Field(default=None, examples=["/var/log/asterisk/queue_log"])
    """The file. It may be missing at the start; relative paths start at this file's folder."""
    source: Name | None = None
    """The system that writes the file. Default: the feed's name."""
    first_run: FirstRun = FirstRun.HISTORY
    """A log never read before: `history` reads back to midnight, `end` skips it."""
    poll: Duration = SECOND // 5
    """How often a quiet file is looked at."""
    silence: SilenceSection | None = None
    """When being quiet is an alert. Default: never."""


class AmiTlsSection(Section):
    """How the certificate of an Asterisk is trusted."""

    ca_file: Text | None = None
    """Trust certificates of this authority. Default: the system's."""
    server_name: Text | None = None
    """The name in the certificate, when it is not the host."""
    verify: Switch = True
    """False trusts any certificate. For tests only."""


class AsteriskAmiSection(Section):
    """Listens to the Manager Interface (AMI) of an Asterisk."""

    required: ClassVar[tuple[str, ...]] = ("username",)

    type: Literal["asterisk_ami"]
    """The type of feed."""
    source: Name | None = None
    """The Asterisk, as queue_log feeds of it say, too. Default: the feed's name."""
    host: Name = "127.0.0.1"
    """Where it is."""
    port: Port | None = None
    """Default: 5038, with tls 5039."""
    username: Name | None = Field(default=None, examples=["callmon"])
    """The account in manager.conf (docs/feeds/asterisk.md)."""
    secret: SecretText | None = None
    """Its secret: by `${NAME}` from the environment, never in the file itself."""
    secret_file: Text | None = None
    """A file that holds the secret."""
    tls: AmiTlsSection | None = None
    """Encrypt; `tls: {}` is enough where the system trusts the certificate. Default: not."""
    login: AmiLogin = AmiLogin.MD5
    """`md5` sends a digest of the secret, `plain` the secret itself."""
    ping: Duration = 10 * SECOND
    """How often a sign of life is asked for; two that do not come end the connection."""
    audit: Duration = 30 * SECOND
    """How often the queues are compared with what callmon believes."""
    wrapup: dict[str, Duration] = Field(default_factory=dict, examples=[{"sales": "10s"}])
    """The `wrapuptime` of queues in queues.conf, by their names there; "*" for all others."""
    silence: SilenceSection | None = None
    """When being quiet is an alert. Default: never."""


class LongWaitSection(Section):
    """One caller who is sure to come and to wait, to see an alert."""

    required: ClassVar[tuple[str, ...]] = ("queue", "wait")

    queue: Name | None = None
    """The queue they join."""
    after: Duration = 0
    """When they join, after the start."""
    wait: Duration | None = None
    """How long they wait."""


class SimulatorSection(Section):
    """Makes up a call centre: for demonstrations and tests."""

    type: Literal["simulator"]
    """The type of feed."""
    source: Name | None = None
    """The name of the made-up system. Default: the feed's name."""
    seed: Count = 1
    """Equal seeds give equal days."""
    speed: Number = 1.0
    """Simulated seconds per second: 60 shows an hour in a minute."""
    queues: Names | None = None
    """A choice of its queues. Default: all."""
    long_wait: LongWaitSection | None = None
    """One caller who is sure to come."""


FeedSection = Annotated[
    AsteriskAmiSection | QueueLogSection | SimulatorSection, Field(discriminator="type")
]


class ServiceLevelSection(Section):
    """What is promised to callers, and how keeping it is counted."""

    within: Duration | None = None
    """Answered within this time is in time (20s)."""
    formula: Formula | None = None
    """How abandons count (abandons_negative)."""
    overflow: Overflow | None = None
    """Timeout, key_exit, empty and failed: `missed` keeps them in the base, `ignored` not."""


class OriginSection(Section):
    """What one source calls a queue."""

    required: ClassVar[tuple[str, ...]] = ("source", "name")

    source: Name | None = None
    """The source of a feed."""
    name: Name | None = None
    """The queue's name there; capitals do not matter."""


class TargetsSection(Section):
    """What queues, groups and defaults have in common."""

    labels: dict[str, Name] = Field(default_factory=dict)
    """A value for each of the declared `labels`."""
    service_level: ServiceLevelSection = Field(default_factory=ServiceLevelSection)
    """What is promised to callers."""
    short_abandon: Duration | None = None
    """A caller who hangs up strictly sooner does not count; 0s: everyone counts."""
    timezone: Timezone | None = None
    """The zone whose midnight begins `today`."""


class DefaultsSection(TargetsSection):
    """For queues and groups that do not say otherwise, and for queues not listed at all."""


class QueueSection(TargetsSection):
    """A queue by callmon's own name."""

    origins: list[OriginSection] = Field(alias="from", default_factory=list)
    """What the sources call it. Default: its own name, at any source."""
    names: Names | None = None
    """What every source calls it: shorter than `from`."""


class GroupSection(TargetsSection):
    """A named set of queues; a queue may be in several."""

    required: ClassVar[tuple[str, ...]] = ("queues",)

    queues: Names | None = None
    """Names of queues, or patterns such as `sales_*`."""


class LimitsSection(Section):
    """Caps against runaway memory."""

    queues: Count = 1_000
    """More queues than this are not opened but counted as dropped."""


class AgentsSection(Section):
    """What /metrics says of single agents."""

    series: Switch = False
    """A series for every agent, with his name: ask whether that is allowed where you are."""
    limit: Count = 200
    """No more agents than this have one."""


class StorageSection(Section):
    """Where callmon keeps what it must remember over a restart."""

    directory: Text = "/var/lib/callmon"
    """A folder of its own; relative paths start at this file's folder."""


class ServerSection(Section):
    """The HTTP server: /metrics, /healthz, /readyz, the API."""

    listen: Address = ("127.0.0.1", 9877)
    """Host and port. Only this machine unless told otherwise."""
    web_config: Text | None = Field(default=None, examples=["web-config.yml"])
    """A web-config.yml (TLS, basic auth) as Prometheus' exporters read it."""


class BasicAuthSection(Section):
    """A user name and a password."""

    required: ClassVar[tuple[str, ...]] = ("username",)

    username: Text | None = None
    """The user."""
    password: SecretText | None = None
    """The password: by `${NAME}` from the environment, never in the file itself."""
    password_file: Text | None = None
    """A file that holds the password."""


class TlsSection(Section):
    """How an https server is trusted, and how we prove who we are."""

    ca_file: Text | None = None
    """Trust certificates of this authority. Default: the system's."""
    cert_file: Text | None = None
    """Our certificate."""
    key_file: Text | None = None
    """The key of our certificate."""
    server_name: Text | None = None
    """The name in the server's certificate, when it is not the one in the address."""
    insecure_skip_verify: Switch = False
    """Trust any certificate. For tests only."""


class AlertmanagerSection(Section):
    """One Alertmanager; every one listed gets every alert."""

    required: ClassVar[tuple[str, ...]] = ("url",)

    url: Url | None = None
    """Its address, without /api/v2."""
    basic_auth: BasicAuthSection | None = None
    """Who we are, by user and password."""
    tls: TlsSection | None = None
    """For https."""
    timeout: Duration = 5 * SECOND
    """How long one request may take."""


class AlertingSection(Section):
    """How alerts are delivered (docs/operators/alerting.md)."""

    direct: Switch = True
    """Post to the Alertmanagers at the moment of the breach; false: by Prometheus only."""
    hold: Duration = 3_600 * SECOND
    """An alert ends by itself this long after callmon fell silent."""
    resend: Duration = 60 * SECOND
    """How often a firing alert is sent again."""
    handover: Duration = 60 * SECOND
    """When no Alertmanager took an alert for so long, it goes by Prometheus for good."""
    external_labels: dict[str, Name] = Field(default_factory=dict)
    """Added to direct alerts: the same as Prometheus' own external_labels."""


class LoggingSection(Section):
    """The daemon's own log, on standard error."""

    format: Literal["json", "console"] = "json"
    """`json` for machines, `console` for people."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is logged."""


class CallmonFile(Section):
    """callmon.yml: what callmon listens to, what it keeps, whom it tells."""

    required: ClassVar[tuple[str, ...]] = ("feeds",)

    thresholds: Text = "thresholds.yml"
    """The file of thresholds and calendars; relative to this file's folder."""
    timezone: Timezone = "UTC"
    """The zone of queues, groups and calendars that name none."""
    feeds: dict[str, FeedSection] = Field(default_factory=dict)
    """Streams of events, by a name of your choice."""
    labels: Names | None = Field(default=None, examples=[["site", "team"]])
    """Names of static labels. Every queue and group then gives each of them, itself or by
    `defaults.labels`."""
    defaults: DefaultsSection = Field(default_factory=DefaultsSection)
    """For queues and groups that do not say otherwise."""
    queues: dict[str, QueueSection | None] = Field(default_factory=dict)
    """Queues by callmon's own name; others are found by themselves."""
    groups: dict[str, GroupSection] = Field(default_factory=dict)
    """Named sets of queues."""
    windows: list[WindowName] = Field(default=["5m", "15m", "30m", "1h"])
    """Sliding windows the measures are kept for; `today` and those of thresholds join them."""
    exported_windows: list[WindowName] = Field(default=["15m", "today"])
    """The windows on /metrics; each costs series."""
    limits: LimitsSection = Field(default_factory=LimitsSection)
    """Caps."""
    agents: AgentsSection = Field(default_factory=AgentsSection)
    """Whether /metrics names agents."""
    storage: StorageSection = Field(default_factory=StorageSection)
    """What is kept over a restart."""
    server: ServerSection = Field(default_factory=ServerSection)
    """The HTTP server."""
    alertmanagers: list[AlertmanagerSection] = Field(default_factory=list)
    """Where alerts go."""
    alerting: AlertingSection = Field(default_factory=AlertingSection)
    """How alerts are delivered."""
    wallboard_url: Url | None = Field(default=None, examples=["https://callmon.example/"])
    """The address people see, for links in alerts."""
    logging: LoggingSection = Field(default_factory=LoggingSection)
    """The daemon's own log."""
