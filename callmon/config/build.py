"""From the sections of callmon.yml to settings, with the checks that span sections."""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from callmon.clock import SECOND, Micros
from callmon.config.feed_sections import AsteriskAmiSection
from callmon.config.feeds import build_feeds
from callmon.config.mqtt_sections import MqttSection
from callmon.config.nodes import Loc
from callmon.config.problems import one_of
from callmon.config.reading import Builder
from callmon.config.sections import (
    AlertingSection,
    AlertmanagerSection,
    BasicAuthSection,
    CallmonFile,
    GroupSection,
    KeepSection,
    QueueSection,
    ServerSection,
    StormSection,
    TargetsSection,
    TlsSection,
)
from callmon.config.settings import (
    AlertingSettings,
    AlertmanagerSettings,
    BasicAuth,
    Config,
    LoggingSettings,
    ServerSettings,
    StormSettings,
    TlsSettings,
)
from callmon.config.texts import say
from callmon.config.values import duration, format_duration
from callmon.journal.entries import Retention
from callmon.queues import GroupSettings, QueueSettings, Targets, WindowSpec
from callmon.wording import Language

__all__ = ["build_config", "window_specs"]

_DAY: Micros = 86_400 * SECOND
_FOR_EVER: Micros = 36_500 * _DAY
"""More would be no date any more."""


def build_config(builder: Builder, file: CallmonFile) -> Config:
    """Return the settings of *file* without thresholds; report what does not fit together."""
    feeds = tuple(build_feeds(builder, file))
    subjects = _Subjects(builder, file, {feed.source for feed in feeds})
    queues = tuple(subjects.queues())
    _check_limits(builder, file)
    return Config(
        feeds=feeds,
        queues=queues,
        groups=tuple(subjects.groups()),
        label_names=tuple(subjects.declared or ()),
        default_labels=subjects.default_labels,
        default_targets=subjects.default_targets,
        default_timezone=subjects.default_timezone,
        calendar_timezone=file.timezone,
        windows=window_specs([*file.windows, *file.exported_windows, "today"]),
        exported_windows=tuple(dict.fromkeys(file.exported_windows)),
        queue_limit=file.limits.queues,
        agent_limit=file.agents.limit if file.agents.series else 0,
        storage_directory=builder.path(file.storage.directory),
        retention=_retention(builder, file.storage.keep),
        server=_server(builder, file.server),
        alertmanagers=tuple(_alertmanagers(builder, file)),
        alerting=_alerting(builder, file.alerting, subjects.declared),
        wallboard_url=file.wallboard_url,
        files=tuple(_secret_files(builder, file)),
        logging=LoggingSettings(format=file.logging.format, level=file.logging.level),
    )


def window_specs(names: Iterable[str]) -> tuple[WindowSpec, ...]:
    """Return the windows of *names*, each once, shortest first, ``today`` last."""
    lengths = {name: duration(name) for name in names if name != "today"}
    specs = [
        WindowSpec(name=name, length=length)
        for name, length in sorted(lengths.items(), key=lambda item: item[1])
    ]
    return (*specs, WindowSpec(name="today", day=True))


class _Subjects:
    """Queues and groups, with what they inherit."""

    def __init__(self, builder: Builder, file: CallmonFile, sources: set[str]) -> None:
        self._builder = builder
        self._file = file
        self._sources = sources
        self.declared = self._declared()
        defaults = file.defaults
        self.default_labels = builder.labels(
            ("defaults", "labels"), defaults.labels, self.declared
        )
        self.default_targets = _targets(defaults, Targets())
        self.default_timezone = defaults.timezone or file.timezone

    def queues(self) -> Iterable[QueueSettings]:
        """Yield the configured queues, and report two that claim the same callers."""
        origins: dict[tuple[str, str], str] = {}
        folded: dict[str, str] = {}
        for name, given in self._file.queues.items():
            loc: Loc = ("queues", name)
            if not self._builder.good_name(loc, name):
                continue
            other = folded.setdefault(name.casefold(), name)
            if other != name:
                message = f"names that differ in capitals only: '{other}' is there already"
                self._builder.document.report(loc, message, key=True)
            section = given or QueueSection()
            queue = self._queue(loc, name, section)
            self._claim(loc, queue, origins)
            yield queue

    def groups(self) -> Iterable[GroupSettings]:
        """Yield the groups."""
        for name, section in self._file.groups.items():
            loc: Loc = ("groups", name)
            if not self._builder.good_name(loc, name):
                continue
            if section.queues is None:
                self._builder.missing(
                    loc, "queues", "the group's queues (queues: [vip, sales_*])"
                )
            yield GroupSettings(
                name=name,
                queues=tuple(section.queues or ()),
                labels=self._labels(loc, section),
                timezone=section.timezone or self.default_timezone,
                targets=_targets(section, self.default_targets),
            )

    def _declared(self) -> list[str] | None:
        if self._builder.document.wrong("labels"):
            return None
        labels = self._file.labels or []
        for position, label in enumerate(labels):
            loc: Loc = ("labels", position)
            if not self._builder.document.has(*loc):
                loc = ("labels",)
            if self._builder.label_name(loc, label) and label in labels[:position]:
                self._builder.document.report(loc, f"label '{label}' is declared twice")
        return labels

    def _labels(self, loc: Loc, section: QueueSection | GroupSection) -> dict[str, str]:
        own = self._builder.labels((*loc, "labels"), section.labels, self.declared)
        labels = {**self.default_labels, **own}
        document = self._builder.document
        lacking = [label for label in self.declared or () if label not in labels]
        if lacking and not document.wrong(*loc, "labels") and not document.wrong("defaults"):
            document.report(
                loc,
                "every queue and group gives every label: expected a value for"
                f" {', '.join(lacking)} in labels: here or in defaults:, found none",
                key=True,
            )
        return {label: labels[label] for label in self.declared or () if label in labels}

    def _queue(self, loc: Loc, name: str, section: QueueSection) -> QueueSettings:
        return QueueSettings(
            name=name,
            origins=tuple(self._origins(loc, name, section)),
            labels=self._labels(loc, section),
            timezone=section.timezone or self.default_timezone,
            targets=_targets(section, self.default_targets),
        )

    def _origins(self, loc: Loc, name: str, section: QueueSection) -> Iterable[tuple[str, str]]:
        for position, origin in enumerate(section.origins):
            place: Loc = (*loc, "from", position)
            if origin.name is None:
                self._builder.missing(place, "name", "the queue's name at the source")
            if origin.source is None:
                self._builder.missing(place, "source", "the source of a feed")
            elif not self._builder.document.wrong("feeds"):
                self._builder.known(
                    (*place, "source"), origin.source, sorted(self._sources), "source"
                )
            if origin.name is not None and origin.source is not None:
                yield origin.source, origin.name
        for spelled in section.names or ():
            yield "*", spelled
        queue, _, source = name.rpartition("@")
        if not section.origins and not section.names and queue and source in self._sources:
            yield source, queue

    def _claim(self, loc: Loc, queue: QueueSettings, taken: dict[tuple[str, str], str]) -> None:
        for source, spelled in queue.origins or (("*", queue.name),):
            for key in ((source, spelled.casefold()), ("*", spelled.casefold())):
                other = taken.get(key)
                if other is not None and other != queue.name:
                    message = f"queue '{other}' takes the callers of '{spelled}' already"
                    self._builder.document.report(loc, message, key=True)
                    break
            taken.setdefault((source, spelled.casefold()), queue.name)


def _targets(section: TargetsSection, inherited: Targets) -> Targets:
    given = {
        "within": section.service_level.within,
        "formula": section.service_level.formula,
        "overflow": section.service_level.overflow,
        "short_abandon": section.short_abandon,
    }
    changes: Mapping[str, object] = {
        key: value for key, value in given.items() if value is not None
    }
    return dataclasses.replace(inherited, **changes)  # type: ignore[arg-type]  # by name


def _check_limits(builder: Builder, file: CallmonFile) -> None:
    loc: Loc = ("limits", "queues")
    if file.limits.queues < max(1, len(file.queues)):
        least = max(1, len(file.queues))
        message = f"expected at least {least}, the queues listed, found {file.limits.queues}"
        builder.document.report(loc, message)


def _retention(builder: Builder, section: KeepSection) -> Retention:
    kept = {"events": section.events, "intervals": section.intervals, "alerts": section.alerts}
    for key, length in kept.items():
        loc: Loc = ("storage", "keep", key)
        builder.at_least(loc, length, 2 * _DAY if key == "events" else _DAY)
        if length > _FOR_EVER:
            message = f"expected at most {format_duration(_FOR_EVER)}"
            builder.document.report(loc, f"{message}, found '{format_duration(length)}'")
    return Retention(**kept)


def _server(builder: Builder, section: ServerSection) -> ServerSettings:
    host, port = section.listen
    loc: Loc = ("server", "web_config")
    web_config = builder.file(loc, section.web_config) if section.web_config else None
    return ServerSettings(host=host, port=port, web_config=web_config)


def _alertmanagers(builder: Builder, file: CallmonFile) -> Iterable[AlertmanagerSettings]:
    seen: dict[str, int] = {}
    for position, section in enumerate(file.alertmanagers):
        loc: Loc = ("alertmanagers", position)
        if section.url is None:
            builder.missing(loc, "url", "the address (url: http://127.0.0.1:9093)")
            continue
        if section.url in seen:
            message = (
                f"this Alertmanager is listed already, as alertmanagers[{seen[section.url]}]"
            )
            builder.document.report((*loc, "url"), message)
        seen.setdefault(section.url, position)
        if re.search(r"/api/v\d+(/alerts)?$", section.url):
            message = f"expected the address without /api/v2, found '{section.url}'"
            builder.document.report((*loc, "url"), message)
        yield _alertmanager(builder, loc, section, section.url)


def _secret_files(builder: Builder, file: CallmonFile) -> Iterable[Path]:
    for section in file.alertmanagers:
        if section.basic_auth is not None and section.basic_auth.password_file is not None:
            yield builder.path(section.basic_auth.password_file)
    for feed in file.feeds.values():
        if isinstance(feed, AsteriskAmiSection) and feed.secret_file is not None:
            yield builder.path(feed.secret_file)
        elif isinstance(feed, MqttSection) and feed.password_file is not None:
            yield builder.path(feed.password_file)


def _alertmanager(
    builder: Builder, loc: Loc, section: AlertmanagerSection, url: str
) -> AlertmanagerSettings:
    if section.timeout == 0:
        message = "expected a duration above 0, found 0"
        builder.document.report((*loc, "timeout"), message)
    return AlertmanagerSettings(
        url=url,
        basic_auth=_basic_auth(builder, (*loc, "basic_auth"), section.basic_auth),
        tls=_tls(builder, (*loc, "tls"), section.tls),
        timeout=section.timeout,
    )


def _basic_auth(
    builder: Builder, loc: Loc, section: BasicAuthSection | None
) -> BasicAuth | None:
    if section is None:
        return None
    if section.username is None:
        builder.missing(loc, "username", "a user name")
    password = builder.secret(loc, "password", section.password, section.password_file)
    if section.username is None or password is None:
        return None
    return BasicAuth(username=section.username, password=password)


def _tls(builder: Builder, loc: Loc, section: TlsSection | None) -> TlsSettings:
    if section is None:
        return TlsSettings()
    paths: dict[str, Path | None] = {}
    for key in ("ca_file", "cert_file", "key_file"):
        text: str | None = getattr(section, key)
        paths[key] = builder.file((*loc, key), text) if text is not None else None
    if (section.cert_file is None) != (section.key_file is None):
        given, other = (
            ("cert_file", "key_file") if section.key_file is None else ("key_file", "cert_file")
        )
        builder.missing(loc, other, f"{other} beside {given}")
    return TlsSettings(
        ca_file=paths["ca_file"],
        cert_file=paths["cert_file"],
        key_file=paths["key_file"],
        server_name=section.server_name,
        insecure_skip_verify=section.insecure_skip_verify,
    )


def _alerting(
    builder: Builder, section: AlertingSection, declared: Iterable[str] | None
) -> AlertingSettings:
    loc: Loc = ("alerting",)
    if section.hold < 2 * section.resend:
        message = (
            "expected at least twice resend, for one lost request must not end an alert,"
            f" found '{format_duration(section.hold)}'"
        )
        builder.document.report((*loc, "hold"), message)
    for key, length in (("resend", section.resend), ("handover", section.handover)):
        if length < SECOND:
            message = f"expected at least 1s, found '{format_duration(length)}'"
            builder.document.report((*loc, key), message)
    for label in section.external_labels:
        builder.label_name((*loc, "external_labels", label), label, key=True)
    return AlertingSettings(
        direct=section.direct,
        hold=section.hold,
        resend=section.resend,
        handover=section.handover,
        external_labels=dict(section.external_labels),
        languages=_languages(builder, (*loc, "languages"), section.languages),
        storm=_storm(builder, (*loc, "storm"), section.storm, declared),
    )


def _languages(builder: Builder, loc: Loc, given: list[Language]) -> tuple[Language, ...]:
    if not given:
        message = f"expected at least one of {', '.join(Language)}, found none"
        builder.document.report(loc, message)
    for position, language in enumerate(given):
        if language in given[:position]:
            builder.document.report((*loc, position), f"'{language}' is listed twice")
    return tuple(given)


def _storm(
    builder: Builder, loc: Loc, section: StormSection, declared: Iterable[str] | None
) -> StormSettings:
    if section.alerts == 0:
        message = "expected at least 1 alert that is told by itself, found '0'"
        builder.document.report((*loc, "alerts"), message)
    for key, length in (("within", section.within), ("hold", section.hold)):
        if length < SECOND:  # as often is looked whether it is over
            message = f"expected at least 1s, found '{format_duration(length)}'"
            builder.document.report((*loc, key), message)
    settings = StormSettings(alerts=section.alerts, within=section.within, hold=section.hold)
    label, place = section.label, (*loc, "label")
    if label is None or not builder.label_name(place, label):
        return settings
    if declared is not None and label not in declared:
        hint = one_of(label, declared, what="declared") or say("declares_none")
        builder.document.warn(place, say("storm_label", label=label, hint=hint))
    return dataclasses.replace(settings, label=label)
