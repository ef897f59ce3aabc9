"""Tests of web-config.yml: the exporter-toolkit's files work, mistakes are named."""

import ssl
import subprocess
from pathlib import Path

import pytest
import trustme

from callmon.errors import ConfigError
from callmon.webconfig import TlsSettings, WebConfig, load_web_config, tls_context
from tests.acceptance.peers import program

EXAMPLE = Path(__file__).parent.parent / "config" / "web-config.example.yml"
HASH = "$2y$10$" + "a" * 53

FULL = f"""
tls_server_config:
  cert_file: server.crt
  key_file: /etc/callmon/server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: clients.crt
  client_allowed_sans: [prometheus.example]
  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
  prefer_server_cipher_suites: false
  curve_preferences: [CurveP384]
  min_version: TLS12
  max_version: TLS12
http_server_config:
  http2: true
  headers:
    Strict-Transport-Security: max-age=31536000
basic_auth_users:
  prometheus: {HASH}
  no: {HASH}
"""


def write(folder: Path, text: str) -> Path:
    """Write a file and return its path."""
    file = folder / "web-config.yml"
    file.write_text(text)
    return file


def write_certificates(folder: Path, name: str) -> None:
    """Write a certificate and its key by *name*, and the authority of clients."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    issued.cert_chain_pems[0].write_to_path(folder / f"{name}.crt")
    issued.private_key_pem.write_to_path(folder / f"{name}.key")
    authority.cert_pem.write_to_path(folder / "clients.crt")


def mistakes(folder: Path, text: str) -> list[str]:
    """Return what is wrong with a file, without the folder's name."""
    with pytest.raises(ConfigError) as caught:
        load_web_config(write(folder, text))
    return [problem.removeprefix(f"{folder}/") for problem in caught.value.problems]


def test_every_field_is_understood(tmp_path: Path) -> None:
    """Go's names become OpenSSL's, relative paths start at the file, ``no`` is a user."""
    config = load_web_config(write(tmp_path, FULL))

    assert config == WebConfig(
        tls=TlsSettings(
            cert_file=tmp_path / "server.crt",
            key_file=Path("/etc/callmon/server.key"),
            client_auth=ssl.CERT_REQUIRED,
            client_ca_file=tmp_path / "clients.crt",
            client_allowed_sans=("prometheus.example",),
            ciphers=("ECDHE-RSA-AES128-GCM-SHA256",),
            prefer_server_ciphers=False,
            curve="secp384r1",
            minimum=ssl.TLSVersion.TLSv1_2,
            maximum=ssl.TLSVersion.TLSv1_2,
        ),
        users={"prometheus": HASH, "no": HASH},
        headers={"Strict-Transport-Security": "max-age=31536000"},
    )


def test_an_empty_file_protects_nothing(tmp_path: Path) -> None:
    """It is allowed, as it is for Prometheus."""
    assert WebConfig() == load_web_config(write(tmp_path, "# nothing yet\n"))


CERTIFICATE = "tls_server_config: {cert_file: a, key_file: b, "
SECTION = "tls_server_config"


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("- a\n", "1:1", "expected a mapping"),
        (
            "basic_auth_user: {}\n",
            "1:1",
            "unknown field 'basic_auth_user'; did you mean basic_auth_users?",
        ),
        (
            "tls_server_config: {cert_file: a}\n",
            "1:20",
            f"{SECTION}: expected key_file",
        ),
        (
            CERTIFICATE + "min_version: TLS1.2}\n",
            "1:61",
            f"{SECTION}.min_version:"  # noqa: ISC004 - one message
            " expected one of TLS10, TLS11, TLS12, TLS13, found 'TLS1.2'",
        ),
        (
            CERTIFICATE + "client_auth_type: VerifyClientCertIfGiven}\n",
            "1:20",
            f"{SECTION}: expected client_ca_file to verify clients with",
        ),
        (
            CERTIFICATE + "curve_preferences: [X25519, CurveP256]}\n",
            "1:67",
            f"{SECTION}.curve_preferences: expected one curve, as Python takes one, found 2",
        ),
        (
            "tls_server_config: {cert_file: [a], key_file: b}\n",
            "1:32",
            f"{SECTION}.cert_file: expected a text of one line",
        ),
        (
            CERTIFICATE + "cipher_suites: x}\n",
            "1:63",
            f"{SECTION}.cipher_suites: expected a list",
        ),
        (
            "basic_auth_users: {ann: secret}\n",
            "1:25",
            "basic_auth_users.ann: expected a bcrypt hash"  # noqa: ISC004 - one message
            ' like $2y$10$… (htpasswd -nBC 10 "")',
        ),
        (
            f"basic_auth_users: {{'a:b': {HASH}}}\n",
            "1:27",
            "basic_auth_users: expected user names without a colon",
        ),
        (
            f"basic_auth_users: {{ann: {HASH}, ann: {HASH}}}\n",
            "1:87",
            "basic_auth_users: expected each name once, found 'ann' again",
        ),
        (
            "http_server_config: {headers: {Server: x}}\n",
            "1:32",
            "http_server_config.headers: unknown field 'Server'",
        ),
        ("a: [\n", "2:1", "expected the node content, but found '<stream end>'"),
    ],
)
def test_a_mistake_is_named_with_its_place(
    tmp_path: Path, text: str, place: str, message: str
) -> None:
    """File, line, column, path, what was expected."""
    assert [f"web-config.yml:{place}: {message}"] == mistakes(tmp_path, text)


def test_what_python_cannot_do_is_refused(tmp_path: Path) -> None:
    """Go can ask for a certificate without verifying it; we do not pretend to."""
    (mistake,) = mistakes(tmp_path, CERTIFICATE + "client_auth_type: RequireAnyClientCert}\n")

    assert "expected one of NoClientCert, VerifyClientCertIfGiven, RequireAnd" in mistake


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    """Nobody has to run it once per mistake."""
    text = "tls_server_config: {}\nbasic_auth_users: {a: b}\nelse: 1\n"

    assert 4 == len(mistakes(tmp_path, text))


def test_no_message_shows_a_secret(tmp_path: Path) -> None:
    """Neither a password written by mistake nor a hash on a broken line."""
    shown = mistakes(tmp_path, "basic_auth_users: {a: hunter2}\n")
    shown += mistakes(tmp_path, f"basic_auth_users:\n  a: {HASH}: [hunter2\n")

    assert "hunter2" not in str(shown)
    assert HASH not in str(shown)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Missing, not text, or no web-config.yml at all."""
    with pytest.raises(ConfigError, match=r"none\.yml: cannot be read: No such file"):
        load_web_config(tmp_path / "none.yml")
    (tmp_path / "binary.yml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"binary\.yml: expected UTF-8"):
        load_web_config(tmp_path / "binary.yml")


def test_a_context_follows_the_settings(tmp_path: Path) -> None:
    """Versions, ciphers and the demand for a certificate reach OpenSSL."""
    write_certificates(tmp_path, "server")
    config = load_web_config(write(tmp_path, FULL.replace("/etc/callmon/", "")))
    assert config.tls is not None

    context = tls_context(config.tls)

    assert ssl.CERT_REQUIRED == context.verify_mode
    assert ssl.TLSVersion.TLSv1_2 == context.minimum_version
    assert ssl.TLSVersion.TLSv1_2 == context.maximum_version
    old = {c["name"] for c in context.get_ciphers() if c["protocol"] != "TLSv1.3"}
    assert {"ECDHE-RSA-AES128-GCM-SHA256"} == old


def test_a_certificate_that_does_not_fit_its_key_is_refused(tmp_path: Path) -> None:
    """With both files named and OpenSSL's own word for it."""
    authority = trustme.CA()
    one, two = authority.issue_cert("one"), authority.issue_cert("two")
    one.cert_chain_pems[0].write_to_path(tmp_path / "one.crt")
    two.private_key_pem.write_to_path(tmp_path / "two.key")
    settings = TlsSettings(cert_file=tmp_path / "one.crt", key_file=tmp_path / "two.key")

    with pytest.raises(ConfigError, match=r"one\.crt, .*two\.key: .*KEY_VALUES_MISMATCH"):
        tls_context(settings)


def test_the_example_is_a_good_one() -> None:
    """It can be copied and used."""
    config = load_web_config(EXAMPLE)

    assert config.tls is not None
    assert config.users


@pytest.mark.acceptance
@pytest.mark.parametrize("suite", ["trixie", "sid"])
def test_promtool_agrees_with_us(suite: str, tmp_path: Path) -> None:
    """What we read without a mistake, Prometheus reads, too."""
    write_certificates(tmp_path, "server")
    write_certificates(tmp_path, "callmon")
    for text in (FULL.replace("/etc/callmon/", ""), EXAMPLE.read_text()):
        check = subprocess.run(
            [program(suite, "promtool"), "check", "web-config", str(write(tmp_path, text))],
            capture_output=True,
            timeout=60,
            check=False,
        )

        assert check.stderr.endswith(b" SUCCESS\n")
