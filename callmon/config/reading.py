"""How sections become values: the small tools that both builders share."""

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from callmon.clock import Micros
from callmon.config.nodes import Document, Loc
from callmon.config.problems import one_of, with_found
from callmon.config.texts import say
from callmon.config.values import Secret, format_duration, name

__all__ = ["RESERVED_LABELS", "Builder", "is_pattern"]

Result = TypeVar("Result")

RESERVED_LABELS = frozenset(
    {
        "alertname",
        "direction",
        "group",
        "instance",
        "job",
        "le",
        "measure",
        "outcome",
        "quantile",
        "queue",
        "replica",
        "road",
        "severity",
        "shift",
        "state",
        "threshold",
        "window",
    }
)
"""Labels that Prometheus, Alertmanager or callmon itself put on series and alerts."""

_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAX_SECRET_BYTES = 64 * 1024


def is_pattern(text: str) -> bool:
    """Tell whether *text* stands for many names."""
    return any(char in text for char in "*?[")


@dataclasses.dataclass(frozen=True, slots=True)
class Builder:
    """A document, the folder its paths start at, and the checks every section needs."""

    document: Document
    folder: Path

    def missing(self, loc: Loc, key: str, help_text: str) -> None:
        """Report that *key* is not there, unless what is there was reported already."""
        there = self.document.has(*loc, key) or self.document.wrong(*loc, key)
        if there or self.document.not_a_mapping(loc):
            return
        self.document.report(loc, f"expected {help_text}, found no '{key}'", key=True)

    def read(self, loc: Loc, reader: Callable[[str], Result], text: str) -> Result | None:
        """Return what *reader* makes of *text*; report its complaint."""
        if self.document.refused(loc):
            return None
        try:
            return reader(text)
        except ValueError as error:
            self.document.report(loc, with_found(str(error), self.document.found(loc)))
            return None

    def path(self, text: str) -> Path:
        """Return *text* as a path that starts at the file's own folder."""
        return self.folder / Path(text).expanduser()

    def file(self, loc: Loc, text: str) -> Path:
        """Return *text* as the path of a file; report it when there is none."""
        path = self.path(text)
        if not path.is_file():
            self.document.report(loc, f"expected a file, found none at {path}")
        return path

    def at_least(self, loc: Loc, length: Micros, least: Micros) -> None:
        """Check that a duration is not shorter than *least*."""
        if length < least:
            expected = f"expected a duration of at least {format_duration(least)}"
            self.document.report(loc, f"{expected}, found '{format_duration(length)}'")

    def good_name(self, loc: Loc, text: str, *, pattern: bool = False) -> bool:
        """Check a name that callmon itself uses; *pattern*: wildcards are welcome."""
        try:
            name(text)
        except ValueError as error:
            self.document.report(loc, f"{error}, found '{text}'", key=True)
            return False
        if not pattern and is_pattern(text):
            message = f"*, ? and [ are for patterns: choose another name, found '{text}'"
            self.document.report(loc, message, key=True)
            return False
        return True

    def known(self, loc: Loc, text: str, names: Iterable[str], what: str) -> bool:
        """Check that *text* is one of *names*; the message lists what there is."""
        names = list(names)
        if text in names:
            return True
        hint = one_of(text, names, what="there are") if names else "; there is none"
        self.document.report(loc, f"unknown {what} '{text}'{hint}")
        return False

    def label_name(self, loc: Loc, label: str, *, key: bool = False) -> bool:
        """Check that *label* may be a static label."""
        if not _LABEL.fullmatch(label) or label.startswith("__"):
            problem = "a label is made of letters, digits and _, and does not begin with __"
        elif label in RESERVED_LABELS or label.startswith("exported_"):
            problem = "this label is reserved: Prometheus or callmon sets it; choose another"
        else:
            return True
        self.document.report(loc, f"{problem}, found '{label}'", key=key)
        return False

    def labels(
        self, loc: Loc, given: Mapping[str, str], declared: Iterable[str] | None
    ) -> dict[str, str]:
        """Return the labels that are declared; None: the declaration itself is wrong."""
        kept = {}
        for label, value in given.items():
            if declared is None or label in declared:
                kept[label] = value
            elif self.label_name((*loc, label), label, key=True):
                hint = one_of(label, declared, what="declared") or "; labels: declares none"
                message = f"unknown label '{label}'{hint}"
                self.document.report((*loc, label), message, key=True)
        return kept

    def secret(
        self, loc: Loc, key: str, given: Secret | None, file: str | None
    ) -> Secret | None:
        """Return the secret under *key* or in the file under ``<key>_file``."""
        place = (*loc, f"{key}_file")
        if given is not None and file is not None:
            self.document.report(place, f"expected {key} or {key}_file, found both", key=True)
            return None
        if file is None:
            if given is None and not self.document.has(*place):
                self.missing(loc, key, f"{key}_file: FILE or {key}: ${{NAME}}")
            elif given is not None and "${" not in self.document.marks[*loc, key].raw:
                self.document.warn((*loc, key), say("for_all_to_read", key=key))
            return given
        path = self.path(file)
        try:
            with path.open("rb") as opened:
                # an editor of Windows may have put a mark before it
                content = opened.read(_MAX_SECRET_BYTES).decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            self.document.report(place, f"cannot read the secret from {path}: {why}")
            return None
        secret = content.rstrip("\r\n")
        if not secret:
            self.document.report(place, f"expected a secret in {path}, found an empty file")
            return None
        return Secret(secret)
