"""The sections of callmon.yml as pydantic models: keys, types, defaults, descriptions.

Those of the feeds stand in ``feed_sections``. These are the source of
``config/callmon.schema.json`` and of the tables in ``docs/operators/configuration.md``. What
a key means to several sections at once (names that must exist, keys that exclude each
other) is checked in ``callmon.config.build``.
"""

from typing import ClassVar, Literal

from pydantic import Field

from callmon.clock import SECOND, Micros
from callmon.config.feed_sections import FeedSection
from callmon.config.section import Section
from callmon.config.values import (
    Address,
    Count,
    Duration,
    Name,
    Names,
    SecretText,
    Switch,
    Text,
    Timezone,
    Url,
    WindowName,
)
from callmon.queues import Formula, Overflow
from callmon.wording import Language

__all__ = [
    "AgentsSection",
    "AlertingSection",
    "AlertmanagerSection",
    "BasicAuthSection",
    "CallmonFile",
    "DefaultsSection",
    "GroupSection",
    "KeepSection",
    "LimitsSection",
    "LoggingSection",
    "OriginSection",
    "QueueSection",
    "ServerSection",
    "ServiceLevelSection",
    "StorageSection",
    "StormSection",
    "TargetsSection",
    "TlsSection",
]

_DAY: Micros = 86_400 * SECOND


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

    source: Name | None = Field(default=None, examples=["pbx"])
    """The source of a feed."""
    name: Name | None = Field(default=None, examples=["401", "sales-inbound"])
    """The queue's name there; capitals do not matter."""


class TargetsSection(Section):
    """What queues, groups and defaults have in common."""

    labels: dict[str, Name] = Field(
        default_factory=dict, examples=[{"site": "shanghai", "team": "sales"}]
    )
    """A value for each of the declared `labels`."""
    service_level: ServiceLevelSection = Field(
        default_factory=ServiceLevelSection, examples=[{"within": "10s"}]
    )
    """What is promised to callers."""
    short_abandon: Duration | None = None
    """A caller who hangs up strictly sooner does not count; 0s: everyone counts."""
    timezone: Timezone | None = None
    """The zone whose midnight begins `today`."""


class DefaultsSection(TargetsSection):
    """For queues and groups that do not say otherwise, and for queues not listed at all."""


class QueueSection(TargetsSection):
    """A queue by callmon's own name."""

    origins: list[OriginSection] = Field(
        alias="from", default_factory=list, examples=[[{"source": "pbx", "name": "401"}]]
    )
    """What the sources call it. Default: its own name, at any source."""
    names: Names | None = Field(default=None, examples=[["billing", "402"]])
    """What every source calls it: shorter than `from`."""


class GroupSection(TargetsSection):
    """A named set of queues; a queue may be in several."""

    required: ClassVar[tuple[str, ...]] = ("queues",)

    queues: Names | None = Field(default=None, examples=[["vip", "sales_*"]])
    """Names of queues, or patterns such as `sales_*`."""


class LimitsSection(Section):
    """Caps against runaway memory."""

    queues: Count = Field(default=1_000, examples=[1000])
    """More queues than this are not opened but counted as dropped."""


class AgentsSection(Section):
    """What /metrics says of single agents."""

    series: Switch = False
    """A series for every agent, with his name: ask whether that is allowed where you are."""
    limit: Count = Field(default=200, examples=[200])
    """No more agents than this have one."""


class KeepSection(Section):
    """How long what is stored is kept; what is older is deleted."""

    events: Duration = 35 * _DAY
    """What the feeds told, by which figures can be traced back. At least 2d."""
    intervals: Duration = 1_100 * _DAY
    """The half-hours of each queue."""
    alerts: Duration = 400 * _DAY
    """The history of alerts."""


class StorageSection(Section):
    """Where callmon keeps what it must remember over a restart."""

    directory: Text = Field(
        default="/var/lib/callmon", examples=["${STATE_DIRECTORY:-/var/lib/callmon}"]
    )
    """A folder of its own; relative paths start at this file's folder."""
    keep: KeepSection = Field(default_factory=KeepSection, examples=[{"events": "35d"}])
    """How long."""


class ServerSection(Section):
    """The HTTP server: /metrics, /healthz, /readyz, the API."""

    listen: Address = ("127.0.0.1", 9877)
    """Host and port. Only this machine unless told otherwise."""
    web_config: Text | None = Field(default=None, examples=["web-config.yml"])
    """A web-config.yml (TLS, basic auth) as Prometheus' exporters read it."""


class BasicAuthSection(Section):
    """A user name and a password."""

    required: ClassVar[tuple[str, ...]] = ("username",)

    username: Text | None = Field(default=None, examples=["callmon"])
    """The user."""
    password: SecretText | None = None
    """The password: by `${NAME}` from the environment, never in the file itself."""
    password_file: Text | None = Field(
        default=None, examples=["/etc/callmon/alertmanager-password"]
    )
    """A file that holds the password."""


class TlsSection(Section):
    """How an https server is trusted, and how we prove who we are."""

    ca_file: Text | None = Field(default=None, examples=["/etc/callmon/ca.pem"])
    """Trust certificates of this authority. Default: the system's."""
    cert_file: Text | None = Field(default=None, examples=["/etc/callmon/callmon.pem"])
    """Our certificate."""
    key_file: Text | None = Field(default=None, examples=["/etc/callmon/callmon.key"])
    """The key of our certificate."""
    server_name: Text | None = Field(default=None, examples=["alerts.example"])
    """The name in the server's certificate, when it is not the one in the address."""
    insecure_skip_verify: Switch = False
    """Trust any certificate. For tests only."""


class AlertmanagerSection(Section):
    """One Alertmanager; every one listed gets every alert."""

    required: ClassVar[tuple[str, ...]] = ("url",)

    url: Url | None = None
    """Its address, without /api/v2."""
    basic_auth: BasicAuthSection | None = Field(
        default=None,
        examples=[
            {"username": "callmon", "password_file": "/etc/callmon/alertmanager-password"}
        ],
    )
    """Who we are, by user and password."""
    tls: TlsSection | None = Field(default=None, examples=[{"ca_file": "/etc/callmon/ca.pem"}])
    """For https."""
    timeout: Duration = 5 * SECOND
    """How long one request may take."""


class StormSection(Section):
    """Many alerts at once: one speaks for them."""

    alerts: Count = Field(default=10, examples=[10])
    """More than this of one team, raised `within`, are a storm: the others are held."""
    within: Duration = 60 * SECOND
    """So close together."""
    hold: Duration = 300 * SECOND
    """How long the others are held; what fires then still follows."""
    label: Name | None = Field(default=None, examples=["team"])
    """The label that says whose alerts are counted together (team)."""


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
    external_labels: dict[str, Name] = Field(
        default_factory=dict, examples=[{"cluster": "shanghai"}]
    )
    """Added to direct alerts: the same as Prometheus' own external_labels."""
    languages: list[Language] = Field(
        default=list(Language),
        json_schema_extra={"minItems": 1, "uniqueItems": True},
        examples=[["en", "zh-CN"], ["zh-CN"]],
    )
    """What the texts are written in; the first is the main one."""
    storm: StormSection = Field(
        default_factory=StormSection, examples=[{"alerts": 10, "within": "60s"}]
    )
    """When one alert speaks for many."""


class LoggingSection(Section):
    """The daemon's own log, on standard error."""

    format: Literal["json", "console"] = "json"
    """`json` for machines, `console` for people."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is logged."""


class CallmonFile(Section):
    """callmon.yml: what callmon listens to, what it keeps, whom it tells."""

    required: ClassVar[tuple[str, ...]] = ("feeds",)

    thresholds: Text = Field(default="thresholds.yml", examples=["thresholds.yml"])
    """The file of thresholds and calendars; relative to this file's folder."""
    timezone: Timezone = "UTC"
    """The zone of queues, groups and calendars that name none."""
    feeds: dict[str, FeedSection] = Field(
        default_factory=dict,
        examples=[{"pbx_log": {"type": "queue_log", "path": "/var/log/asterisk/queue_log"}}],
    )
    """Streams of events, by a name of your choice."""
    labels: Names | None = Field(default=None, examples=[["site", "team"]])
    """Names of static labels. Every queue and group then gives each of them, itself or by
    `defaults.labels`."""
    defaults: DefaultsSection = Field(
        default_factory=DefaultsSection,
        examples=[{"service_level": {"within": "20s"}, "short_abandon": "5s"}],
    )
    """For queues and groups that do not say otherwise."""
    queues: dict[str, QueueSection | None] = Field(
        default_factory=dict, examples=[{"support": {"names": ["401"]}}]
    )
    """Queues by callmon's own name; others are found by themselves."""
    groups: dict[str, GroupSection] = Field(
        default_factory=dict, examples=[{"sales": {"queues": ["vip", "sales_*"]}}]
    )
    """Named sets of queues."""
    windows: list[WindowName] = Field(
        default=["5m", "15m", "30m", "1h"], examples=[["5m", "15m", "30m", "1h"]]
    )
    """Sliding windows the measures are kept for; `today` and those of thresholds join them."""
    exported_windows: list[WindowName] = Field(
        default=["15m", "today"], examples=[["15m", "today"]]
    )
    """The windows on /metrics; each costs series."""
    limits: LimitsSection = Field(default_factory=LimitsSection, examples=[{"queues": 1000}])
    """Caps."""
    agents: AgentsSection = Field(
        default_factory=AgentsSection, examples=[{"series": True, "limit": 200}]
    )
    """Whether /metrics names agents."""
    storage: StorageSection = Field(
        default_factory=StorageSection, examples=[{"directory": "/var/lib/callmon"}]
    )
    """What is kept over a restart."""
    server: ServerSection = Field(
        default_factory=ServerSection, examples=[{"listen": "127.0.0.1:9877"}]
    )
    """The HTTP server."""
    alertmanagers: list[AlertmanagerSection] = Field(
        default_factory=list, examples=[[{"url": "http://127.0.0.1:9093"}]]
    )
    """Where alerts go."""
    alerting: AlertingSection = Field(
        default_factory=AlertingSection, examples=[{"hold": "1h", "languages": ["en", "zh-CN"]}]
    )
    """How alerts are delivered."""
    wallboard_url: Url | None = Field(default=None, examples=["https://callmon.example/"])
    """The address people see, for links in alerts."""
    logging: LoggingSection = Field(
        default_factory=LoggingSection, examples=[{"format": "console", "level": "info"}]
    )
    """The daemon's own log."""
