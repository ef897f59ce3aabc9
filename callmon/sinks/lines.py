"""How the lines of the exposition formats are written.

Prometheus text 0.0.4 and OpenMetrics 1.0, whose sample lines are the same here.
Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from callmon.clock import Micros

__all__ = ["Family", "Section", "Template", "Value", "label_text", "line"]

Row_contra = TypeVar("Row_contra", contravariant=True)

Value = int | float | None
"""What a line ends in; None: there is no such line."""

_LABELS = b"\xfe"
_CUT = b"\xff"


@dataclasses.dataclass(frozen=True, slots=True)
class Family:
    """A metric family by its name in text format, where counters end in ``_total``."""

    name: str
    kind: str  #: gauge, counter or histogram
    help: str

    def header(self, *, openmetrics: bool) -> bytes:
        """Return the HELP and TYPE lines."""
        name = self.name.removesuffix("_total") if openmetrics else self.name
        text = self.help.replace("\\", r"\\").replace("\n", r"\n")
        if openmetrics:
            text = text.replace('"', r"\"")
        return f"# HELP {name} {text}\n# TYPE {name} {self.kind}\n".encode()


class Section(Protocol[Row_contra]):
    """Some families' sample lines of one row."""

    @property
    def families(self) -> Sequence[Family]:
        """What is written, in order."""

    def key(self, row: Row_contra, now: Micros) -> object:
        """Return what the lines depend on: while it is equal, they still hold."""

    def lines(self, labels: bytes, row: Row_contra, now: Micros) -> list[bytes]:
        """Return the lines of *row*, one chunk per family; b"" where there is nothing."""


def label_text(labels: Iterable[tuple[str, str]]) -> bytes:
    """Return ``name="value",…`` with the values escaped.

    What no scraper could read is replaced: NUL, and halves of surrogate pairs.
    """
    text = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
    return text.encode("utf-8", "replace")


def _escaped(value: str) -> str:
    return (
        value.replace("\\", r"\\")
        .replace('"', r"\"")
        .replace("\n", r"\n")
        .replace("\0", "\N{REPLACEMENT CHARACTER}")
    )


class Template:
    """The lines of several families, to be filled with values; a None drops its line.

    One bytes template with marks that UTF-8 cannot contain: ``%`` fills in the values,
    ``replace`` the row's own labels, ``split`` cuts by family. That is as fast as a string
    per line, and needs no text kept per series.
    """

    def __init__(self, families: Sequence[Sequence[bytes]]) -> None:
        self._families = families
        self._whole = self._built(())
        # One for every set of absent values. Few occur: most share a base and go together.
        self._partial: dict[tuple[bool, ...], bytes] = {}

    def fill(self, labels: bytes, values: Sequence[Value]) -> list[bytes]:
        """Return a chunk per family; *values* are those of all lines, in order."""
        text = self._whole % tuple(values)
        if b" None\n" in text:  # cheaper than to look through the values
            absent = tuple([value is None for value in values])
            if absent not in self._partial:
                self._partial[absent] = self._built(absent)
            text = self._partial[absent] % tuple([v for v in values if v is not None])
        return text.replace(_LABELS, labels).split(_CUT)

    def _built(self, absent: tuple[bool, ...]) -> bytes:
        gone = itertools.chain(absent, itertools.repeat(False))  # noqa: FBT003  # not absent
        return _CUT.join(
            b"".join([line for line in lines if not next(gone)]) for lines in self._families
        )


def line(name: str, labels: Iterable[tuple[str, str]] = ()) -> bytes:
    """Return the line of a ``Template``: the row's own labels come before *labels*."""
    fixed = b"".join(b"," + label_text([pair]) for pair in labels).replace(b"%", b"%%")
    return name.encode() + b"{" + _LABELS + fixed + b"} %a\n"
