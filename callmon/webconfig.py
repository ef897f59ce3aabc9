"""``web-config.yml``: TLS and basic auth of the HTTP server, in the exporter-toolkit's format.

The same file protects Prometheus, Alertmanager and every exporter, and ``promtool check
web-config`` knows it. What Python's ssl cannot do is refused, never quietly left out.
Source: https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md
"""

import dataclasses
import difflib
import re
import ssl
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import yaml

from callmon.errors import ConfigError

__all__ = ["TlsSettings", "WebConfig", "load_certificate", "load_web_config", "tls_context"]

Choice = TypeVar("Choice")

MAX_BYTES = 1024 * 1024
"""A larger file is not one of these."""

_HASH = re.compile(r"\$2[aby]\$(0[4-9]|1\d|2\d|3[01])\$[./A-Za-z0-9]{53}")

_VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}

_CURVES = {
    "CurveP256": "prime256v1",
    "CurveP384": "secp384r1",
    "CurveP521": "secp521r1",
    "X25519": "X25519",
}

_CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
"""Go's other two ask for a certificate and do not verify it, which Python cannot."""

_BOOLEANS = {"true": True, "false": False}

_CIPHERS = {
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    # Those of TLS 1.3 can be named, and cannot be chosen: neither in Go nor here.
    "TLS_AES_128_GCM_SHA256": "",
    "TLS_AES_256_GCM_SHA384": "",
    "TLS_CHACHA20_POLY1305_SHA256": "",
}
"""Go's names of the suites with forward secrecy, and OpenSSL's."""

_TLS_FIELDS = (
    "cert_file",
    "key_file",
    "client_auth_type",
    "client_ca_file",
    "client_allowed_sans",
    "cipher_suites",
    "prefer_server_cipher_suites",
    "curve_preferences",
    "min_version",
    "max_version",
)

_HEADERS = (
    "Strict-Transport-Security",
    "Content-Security-Policy",
    "X-Frame-Options",
    "X-Content-Type-Options",
    "X-XSS-Protection",
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """How the server proves who it is, and which clients must do so."""

    cert_file: Path
    key_file: Path
    client_auth: ssl.VerifyMode = ssl.CERT_NONE
    client_ca_file: Path | None = None
    client_allowed_sans: tuple[str, ...] = ()
    ciphers: tuple[str, ...] = ()  #: OpenSSL's names; empty: the library's choice
    prefer_server_ciphers: bool = True
    curve: str | None = None
    minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    maximum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """A whole file."""

    tls: TlsSettings | None = None
    users: Mapping[str, str] = dataclasses.field(default_factory=dict)  #: bcrypt hashes
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)


def load_web_config(path: Path) -> WebConfig:
    """Read *path*; file names in it are relative to its folder. Not for the event loop.

    Raises:
        ConfigError: with every mistake; no hash is quoted.
    """
    try:
        raw = path.read_bytes()
        text = raw.decode()
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: expected UTF-8"]) from error
    if len(raw) > MAX_BYTES:
        raise ConfigError([f"{path}: expected at most {MAX_BYTES} bytes, found {len(raw)}"])
    try:
        # BaseLoader leaves every scalar a text, so that no user is ever read as False.
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        # Without the line itself, which str(error) quotes: it may hold a hash.
        raise ConfigError([f"{_place(path, error.problem_mark)}: {error.problem}"]) from error
    except yaml.YAMLError as error:
        raise ConfigError([f"{path}: expected YAML"]) from error
    reader = _Reader(path)
    config = reader.whole(root)
    if reader.problems:
        raise ConfigError(reader.problems)
    return config


def _place(path: Path, mark: yaml.Mark | None) -> str:
    return f"{path}" if mark is None else f"{path}:{mark.line + 1}:{mark.column + 1}"


class _Reader:
    """Walks the nodes and notes every mistake with its place."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.problems: list[str] = []

    def whole(self, root: yaml.Node | None) -> WebConfig:
        """Read the top level."""
        if root is None:
            return WebConfig()
        known = ("tls_server_config", "basic_auth_users", "http_server_config")
        fields = self._fields(root, "", known)
        tls, users, http = (fields.get(name) for name in known)
        return WebConfig(
            tls=None if tls is None else self._tls(tls),
            users={} if users is None else self._users(users),
            headers={} if http is None else self._http(http),
        )

    def _tls(self, node: yaml.Node) -> TlsSettings | None:
        path = "tls_server_config"
        fields = self._fields(node, path, _TLS_FIELDS)
        for name in ("cert_file", "key_file"):
            if name not in fields:
                self._wrong(node, path, f"expected {name}")
        settings = TlsSettings(
            cert_file=self._path(fields, "cert_file"),
            key_file=self._path(fields, "key_file"),
            client_auth=self._option(
                fields, "client_auth_type", _CLIENT_AUTH, ssl.VerifyMode.CERT_NONE
            ),
            client_ca_file=(
                self._path(fields, "client_ca_file") if "client_ca_file" in fields else None
            ),
            client_allowed_sans=self._texts(fields, "client_allowed_sans"),
            ciphers=tuple(
                name for name in self._options(fields, "cipher_suites", _CIPHERS) if name
            ),
            prefer_server_ciphers=self._option(
                fields, "prefer_server_cipher_suites", _BOOLEANS, default=True
            ),
            curve=self._curve(fields),
            minimum=self._option(fields, "min_version", _VERSIONS, ssl.TLSVersion.TLSv1_2),
            maximum=self._option(fields, "max_version", _VERSIONS, ssl.TLSVersion.TLSv1_3),
        )
        if settings.client_auth and settings.client_ca_file is None:
            self._wrong(node, path, "expected client_ca_file to verify clients with")
        return settings

    def _path(self, fields: Mapping[str, yaml.Node], name: str) -> Path:
        node = fields.get(name)
        text = "" if node is None else self._text(node, f"tls_server_config.{name}")
        return self._file.parent / text

    def _texts(self, fields: Mapping[str, yaml.Node], name: str) -> tuple[str, ...]:
        path = f"tls_server_config.{name}"
        node = fields.get(name)
        items = [] if node is None else self._items(node, path)
        return tuple(self._text(item, path) for item in items)

    def _option(
        self,
        fields: Mapping[str, yaml.Node],
        name: str,
        table: Mapping[str, Choice],
        default: Choice,
    ) -> Choice:
        node = fields.get(name)
        if node is None:
            return default
        chosen = self._choice(node, f"tls_server_config.{name}", table)
        return default if chosen is None else chosen

    def _options(
        self, fields: Mapping[str, yaml.Node], name: str, table: Mapping[str, Choice]
    ) -> list[Choice]:
        path = f"tls_server_config.{name}"
        node = fields.get(name)
        items = [] if node is None else self._items(node, path)
        found = [self._choice(item, path, table) for item in items]
        return [value for value in found if value is not None]

    def _curve(self, fields: Mapping[str, yaml.Node]) -> str | None:
        name = "curve_preferences"
        curves = self._options(fields, name, _CURVES)
        if len(curves) > 1:
            message = f"expected one curve, as Python takes one, found {len(curves)}"
            self._wrong(fields[name], f"tls_server_config.{name}", message)
        return curves[0] if curves else None

    def _users(self, node: yaml.Node) -> dict[str, str]:
        path = "basic_auth_users"
        users = {}
        for name, value in self._fields(node, path, None).items():
            secret = value.value if isinstance(value, yaml.ScalarNode) else ""
            if ":" in name or not name:
                self._wrong(value, path, "expected user names without a colon")
            if not _HASH.fullmatch(secret):
                self._wrong(
                    value,
                    f"{path}.{name}",
                    'expected a bcrypt hash like $2y$10$… (htpasswd -nBC 10 "")',
                )
            users[name] = secret
        return users

    def _http(self, node: yaml.Node) -> dict[str, str]:
        path = "http_server_config"
        fields = self._fields(node, path, ("http2", "headers"))
        if (http2 := fields.get("http2")) is not None:
            # HTTP/1.1 is all there is; asking for more is no mistake, clients negotiate.
            self._choice(http2, f"{path}.http2", _BOOLEANS)
        headers = fields.get("headers")
        if headers is None:
            return {}
        return {
            name: self._text(value, f"{path}.headers.{name}")
            for name, value in self._fields(headers, f"{path}.headers", _HEADERS).items()
        }

    def _fields(
        self, node: yaml.Node, path: str, known: Iterable[str] | None
    ) -> dict[str, yaml.Node]:
        """Return the entries of a mapping; only *known* names, unless that is None."""
        if not isinstance(node, yaml.MappingNode):
            self._wrong(node, path, "expected a mapping")
            return {}
        fields: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = str(key.value)
            if known is not None and name not in known:
                self._unknown(key, path, name, known)
            elif name in fields:
                self._wrong(key, path, f"expected each name once, found {name!r} again")
            else:
                fields[name] = value
        return fields

    def _items(self, node: yaml.Node, path: str) -> list[yaml.Node]:
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        self._wrong(node, path, "expected a list")
        return []

    def _text(self, node: yaml.Node, path: str) -> str:
        if isinstance(node, yaml.ScalarNode) and node.value and "\n" not in node.value:
            return str(node.value)
        self._wrong(node, path, "expected a text of one line")
        return ""

    def _choice(self, node: yaml.Node, path: str, table: Mapping[str, Choice]) -> Choice | None:
        text = self._text(node, path)
        if text and text not in table:
            expected = ", ".join(table)
            self._wrong(node, path, f"expected one of {expected}, found {text!r}")
        return table.get(text)

    def _unknown(self, key: yaml.Node, path: str, name: str, known: Iterable[str]) -> None:
        close = difflib.get_close_matches(name, list(known), n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        self._wrong(key, path, f"unknown field {name!r}{hint}")

    def _wrong(self, node: yaml.Node, path: str, message: str) -> None:
        place = _place(self._file, node.start_mark)
        self.problems.append(f"{place}: {path}: {message}" if path else f"{place}: {message}")


def tls_context(settings: TlsSettings) -> ssl.SSLContext:
    """Return a server's context. It reads files: not for the event loop.

    Raises:
        ConfigError: a file is missing or does not fit.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_certificate(context, settings)
    try:
        if settings.client_ca_file is not None:
            context.load_verify_locations(settings.client_ca_file)
        context.verify_mode = settings.client_auth
        context.minimum_version = settings.minimum
        context.maximum_version = settings.maximum
        if settings.ciphers:
            context.set_ciphers(":".join(settings.ciphers))
        if settings.curve is not None:
            context.set_ecdh_curve(settings.curve)
    except (OSError, ValueError) as error:
        raise ConfigError([f"tls_server_config: {_reason(error)}"]) from error
    if settings.prefer_server_ciphers:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    return context


def load_certificate(context: ssl.SSLContext, settings: TlsSettings) -> None:
    """Read certificate and key into *context*, from where new connections take them.

    Raises:
        ConfigError: a file is missing or does not fit; the context may be half changed.
    """
    try:
        # Without a password OpenSSL would ask for one on the terminal.
        context.load_cert_chain(settings.cert_file, settings.key_file, password="")
    except (OSError, ValueError) as error:
        raise ConfigError(
            [f"{settings.cert_file}, {settings.key_file}: {_reason(error)}"]
        ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"expected PEM that fits, found: {error.reason}"
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
