"""The configuration as frozen values: what the daemon is built from.

Everything compares by value, so that a reload sees what changed by ``==``.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from callmon.calendars import Calendar
from callmon.clock import SECOND, Micros
from callmon.config.values import Secret
from callmon.engine import EngineSettings
from callmon.feeds.registry import FEEDS, feed_type
from callmon.feeds.settings import FeedSettings
from callmon.journal.entries import Retention
from callmon.queues import GroupSettings, QueueSettings, Targets, WindowSpec
from callmon.rules import Threshold
from callmon.wording import Language

__all__ = [
    "AlertingSettings",
    "AlertmanagerSettings",
    "BasicAuth",
    "Config",
    "LoggingSettings",
    "ServerSettings",
    "StormSettings",
    "ThresholdSettings",
    "TlsSettings",
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BasicAuth:
    """A user name and a password."""

    username: str
    password: Secret


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """How an https server is trusted; None: the system's way."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    server_name: str | None = None
    insecure_skip_verify: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AlertmanagerSettings:
    """One Alertmanager."""

    url: str  #: without a trailing slash
    basic_auth: BasicAuth | None = None
    tls: TlsSettings = TlsSettings()
    timeout: Micros = 5 * SECOND


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StormSettings:
    """When one alert speaks for many."""

    alerts: int = 10  #: of one team; more than these are held
    within: Micros = 60 * SECOND
    hold: Micros = 300 * SECOND
    label: str = "team"  #: the static label that says whose alerts are counted together


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AlertingSettings:
    """How alerts are delivered."""

    direct: bool = True
    hold: Micros = 3_600 * SECOND
    resend: Micros = 60 * SECOND
    handover: Micros = 60 * SECOND
    external_labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    languages: tuple[Language, ...] = tuple(Language)  #: the first is the main one
    storm: StormSettings = StormSettings()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """The HTTP server."""

    host: str = "127.0.0.1"
    port: int = 9877
    web_config: Path | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LoggingSettings:
    """The daemon's own log."""

    format: str = "json"  #: or ``console``
    level: str = "info"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdSettings:
    """What thresholds.yml comes to."""

    thresholds: tuple[Threshold, ...] = ()
    calendars: Mapping[str, Calendar] = dataclasses.field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Both files, understood."""

    feeds: tuple[FeedSettings, ...] = ()
    queues: tuple[QueueSettings, ...] = ()
    groups: tuple[GroupSettings, ...] = ()
    label_names: tuple[str, ...] = ()  #: every queue and group has a value for each
    default_labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    default_targets: Targets = dataclasses.field(default_factory=Targets)
    default_timezone: str = "UTC"  #: of queues that are not configured
    calendar_timezone: str = "UTC"  #: of calendars that name none
    windows: tuple[WindowSpec, ...] = ()  #: shortest first, ``today`` last
    exported_windows: tuple[str, ...] = ()
    queue_limit: int = 1_000
    agent_limit: int = 0  #: agents with a series of their own
    storage_directory: Path = Path("/var/lib/callmon")
    retention: Retention = dataclasses.field(default_factory=Retention)
    server: ServerSettings = ServerSettings()
    alertmanagers: tuple[AlertmanagerSettings, ...] = ()
    alerting: AlertingSettings = AlertingSettings()
    wallboard_url: str | None = None
    logging: LoggingSettings = LoggingSettings()
    thresholds: tuple[Threshold, ...] = ()
    calendars: Mapping[str, Calendar] = dataclasses.field(default_factory=dict)
    warnings: tuple[str, ...] = ()  #: what is allowed but may be a mistake
    files: tuple[Path, ...] = ()  #: a change of one, secrets included, asks for a reload

    def engine_settings(self) -> EngineSettings:
        """Return what the engine needs to know of this."""
        return EngineSettings(
            queues=self.queues,
            groups=self.groups,
            thresholds=self.thresholds,
            windows=self.windows,
            targets=self.default_targets,
            timezone=self.default_timezone,
            labels=self.default_labels,
            queue_limit=self.queue_limit,
            sources=tuple(dict.fromkeys(feed.source for feed in self.feeds)),
            live_sources=frozenset(
                feed.source for feed in self.feeds if FEEDS[feed_type(feed)].live
            ),
        )
