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
    "QueueLogSettings",
    "Silence",
    "SimulatorSettings",
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


FeedSettings = AsteriskAmiSettings | QueueLogSettings | SimulatorSettings
"""Every type of feed: a new one is added here, in the registry and in the config models."""
