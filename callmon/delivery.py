"""The way of alerts out of the house, as the configuration describes it."""

import contextlib
import dataclasses
from collections.abc import Callable
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from callmon.clock import Clock
from callmon.config import AlertmanagerSettings, Config
from callmon.http_client import AiohttpClient, client_tls
from callmon.sinks import alertmanager
from callmon.sinks.base import AlertNotes, DeliveryMetrics
from callmon.sinks.ledger import Limits
from callmon.sinks.payload import Style
from callmon.sinks.storm import StormLimits

__all__ = ["Delivery", "build_delivery", "delivery_settings", "style_of"]


@dataclasses.dataclass(frozen=True, slots=True)
class Delivery:
    """The sink and the connections it posts over."""

    sink: alertmanager.AlertmanagerSink
    clients: tuple[AiohttpClient, ...]

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with contextlib.AsyncExitStack() as stack:
            for client in self.clients:
                await stack.enter_async_context(client)
            await self.sink.run()


def build_delivery(
    config: Config,
    clock: Clock,
    metrics: DeliveryMetrics,
    notes: AlertNotes,
    *,
    jitter: Callable[[], float],
    facts: alertmanager.Facts,
    seen: alertmanager.Sights,
) -> Delivery:
    """Return the way to every configured Alertmanager. Reads certificates from the disk.

    Raises:
        ConfigError: a certificate is missing or does not fit.
    """
    alerting = config.alerting
    clients = tuple(_client(settings) for settings in config.alertmanagers)
    sink = alertmanager.AlertmanagerSink(
        [
            alertmanager.Alertmanager(
                name=_name(settings.url),
                url=settings.url,
                client=client,
            )
            for settings, client in zip(config.alertmanagers, clients, strict=True)
        ],
        clock=clock,
        settings=alertmanager.AlertmanagerSettings(
            style=style_of(config),
            direct=alerting.direct,
            hold=alerting.hold,
            limits=Limits(resend=alerting.resend, handover=alerting.handover),
            storm=StormLimits(
                alerts=alerting.storm.alerts,
                within=alerting.storm.within,
                hold=alerting.storm.hold,
                label=alerting.storm.label,
            ),
        ),
        metrics=metrics,
        notes=notes,
        facts=facts,
        seen=seen,
        jitter=jitter,
    )
    return Delivery(sink, clients)


def delivery_settings(config: Config) -> object:
    """Return all of *config* that ``build_delivery`` depends on."""
    return config.alertmanagers, config.alerting, config.wallboard_url, config.default_timezone


def style_of(config: Config) -> Style:
    """Return how this house writes its alerts."""
    return Style(
        zone=ZoneInfo(config.default_timezone),
        languages=config.alerting.languages,
        external_labels=config.alerting.external_labels,
        wallboard_url=config.wallboard_url,
    )


def _name(url: str) -> str:
    """Return the address without scheme, and without the password it may hold."""
    parts = urlsplit(url)
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")


def _client(settings: AlertmanagerSettings) -> AiohttpClient:
    auth, tls = settings.basic_auth, settings.tls
    context = None
    if settings.url.startswith("https:"):
        context = client_tls(
            ca_file=tls.ca_file,
            cert_file=tls.cert_file,
            key_file=tls.key_file,
            insecure_skip_verify=tls.insecure_skip_verify,
        )
    return AiohttpClient(
        timeout=settings.timeout,
        user=None if auth is None else (auth.username, auth.password.reveal()),
        tls=context,
        server_name=tls.server_name,
    )
