"""Tests of the text that must not be shown."""

from callmon.secret import Secret


def test_a_secret_is_shown_nowhere_by_accident() -> None:
    """Printing, formatting and the text of a structure around it leave it out."""
    secret = Secret("hunter2")

    shown = (f"{secret}", repr(secret), str([secret]), str({"a": secret}))

    assert not any("hunter2" in text for text in shown)
    assert "hunter2" == secret.reveal()


def test_equal_secrets_are_equal() -> None:
    """A reload sees by comparison whether a password has changed."""
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert "a" != Secret("a")
    assert hash(Secret("a")) == hash(Secret("a"))
