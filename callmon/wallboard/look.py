"""What one viewer asked to see: the query of a page's address, understood. Pure.

A wallboard hangs on a wall where nobody reads an error: what is not understood is as if it
was not there. Only a label that no queue has empties the board, and the board says so.
"""

import dataclasses
import re
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final, TypeVar

from callmon.board import Row
from callmon.rules import Subject, SubjectKind
from callmon.wording import Language

__all__ = ["Look", "Show", "Theme", "labels_of", "spoken"]

MAX_FILTERS: Final = 32
"""Labels with their values in one address; more than that is no filter but an attack."""
MAX_LENGTH: Final = 200
"""Of a label, its value, or a name: longer ones are never configured."""
MAX_CHOICES: Final = 60
"""Values of one label that are offered to be chosen."""
_MAX_LANGUAGES: Final = 20
"""Of an Accept-Language header that are looked at."""

_WINDOW: Final = re.compile(r"[0-9a-z]{1,12}")
_OPTIONS: Final = frozenset(("window", "show", "lang", "theme", "tv", "sound", "flash"))
_NO_LABEL: Final = _OPTIONS | {"subject", "v"}
_YES: Final = frozenset(("1", "true", "yes", "on"))


_Kind = TypeVar("_Kind", bound=StrEnum)


class Show(StrEnum):
    """Which kinds of subjects are shown."""

    ALL = "all"
    QUEUES = "queues"
    GROUPS = "groups"


class Theme(StrEnum):
    """The colours; as the system has it is none of them."""

    DARK = "dark"
    LIGHT = "light"


_SHOWN: Final = {
    Show.ALL: frozenset(SubjectKind),
    Show.QUEUES: frozenset((SubjectKind.QUEUE,)),
    Show.GROUPS: frozenset((SubjectKind.GROUP,)),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How one viewer looks at the board."""

    subject: str | None = None  #: the one to view, ``queue:support``; None: the whole board
    labels: tuple[tuple[str, str], ...] = ()  #: sorted; values of one label are alternatives
    show: Show = Show.ALL
    window: str | None = None  #: of the rates; None: that of the configuration
    language: Language = Language.ENGLISH
    asked: bool = False  #: the language stands in the address: the browser did not choose it
    theme: Theme | None = None
    tv: bool = False
    sound: bool = False
    flash: bool = False

    @classmethod
    def from_query(
        cls,
        items: Iterable[tuple[str, str]],
        accept_language: str = "",
        subject: str | None = None,
    ) -> "Look":
        """Return what the query *items* ask for; of an option given twice the first counts."""
        options: dict[str, str] = {}
        labels: set[tuple[str, str]] = set()
        for name, value in items:
            if name in _OPTIONS:
                options.setdefault(name, value)
            elif name not in _NO_LABEL and value and _is_fit(name, value):
                labels |= {(name, value)} if len(labels) < MAX_FILTERS else set()
        asked = _language(options.get("lang", ""))
        window = options.get("window", "")
        return cls(
            subject=None if subject is None else _text(subject),
            labels=tuple(sorted(labels)),
            show=_one_of(Show, options.get("show")) or Show.ALL,
            window=window if _WINDOW.fullmatch(window) else None,
            language=asked or spoken(accept_language),
            asked=asked is not None,
            theme=_one_of(Theme, options.get("theme")),
            tv=options.get("tv") in _YES,
            sound=options.get("sound") in _YES,
            flash=options.get("flash") in _YES,
        )

    @property
    def seen(self) -> "Look":
        """Return what of it changes the picture: those who look alike share one scene."""
        return Look(
            subject=self.subject,
            labels=self.labels,
            show=self.show,
            window=self.window,
            language=self.language,
        )

    @property
    def filters(self) -> Mapping[str, tuple[str, ...]]:
        """Return the values asked for, by label."""
        found: dict[str, tuple[str, ...]] = {}
        for name, value in self.labels:
            found[name] = (*found.get(name, ()), value)
        return found

    def shows(self, row: Row) -> bool:
        """Tell whether *row* is seen."""
        if self.subject is not None:
            return row.id == self.subject
        if row.subject.kind not in _SHOWN[self.show]:
            return False
        have = row.subject.labels
        return all(have.get(name) in values for name, values in self.filters.items())

    def query(self) -> str:
        """Return the query that asks for this, with its question mark; empty: by default."""
        items = urllib.parse.urlencode(list(self._items()))
        return f"?{items}" if items else ""

    def _items(self) -> Iterator[tuple[str, str]]:
        yield from self.labels
        if self.show is not Show.ALL:
            yield "show", self.show.value
        if self.window is not None:
            yield "window", self.window
        if self.asked:
            yield "lang", self.language.value
        if self.theme is not None:
            yield "theme", self.theme.value
        yield from ((name, "1") for name in ("tv", "sound", "flash") if getattr(self, name))

    def toggled(self, name: str, value: str) -> "Look":
        """Return it with the label *name* of *value* no filter if it was one, else one."""
        labels = set(self.labels) ^ {(name, value)}
        return dataclasses.replace(self, labels=tuple(sorted(labels)))


def labels_of(subjects: Iterable[Subject]) -> Mapping[str, tuple[str, ...]]:
    """Return the values there are to choose from, by label; those of one label are sorted.

    A label of a single value is left out: there is nothing to choose.
    """
    found: dict[str, set[str]] = {}
    for subject in subjects:
        for name, value in subject.labels.items():
            if name not in _NO_LABEL and _is_fit(name, value):
                found.setdefault(name, set()).add(value)
    return {
        name: tuple(sorted(values)[:MAX_CHOICES])
        for name, values in sorted(found.items())
        if len(values) > 1
    }


def spoken(accept_language: str) -> Language:
    """Return the language an Accept-Language header likes best of those we have.

    English where it names none of them. Every Chinese is Simplified Chinese: it is nearer.
    """
    best, liked = Language.ENGLISH, 0.0
    for choice in accept_language.split(",")[:_MAX_LANGUAGES]:
        tag, _, parameters = choice.partition(";")
        language, quality = _language(tag.strip()), _quality(parameters)
        if language is not None and quality > liked:
            best, liked = language, quality
    return best


def _quality(parameters: str) -> float:
    name, _, value = parameters.replace(" ", "").partition("=")
    if not name:
        return 1.0
    if name != "q" or not re.fullmatch(r"0(\.\d{0,3})?|1(\.0{0,3})?", value):
        return 0.0
    return float(value)


def _language(tag: str) -> Language | None:
    """Return the language of *tag*: ``zh``, ``zh-Hans-CN``, ``zh-TW``, ``en-GB``."""
    primary = tag.lower().replace("_", "-").partition("-")[0]
    if primary == "zh":
        return Language.CHINESE
    return Language.ENGLISH if primary == "en" else None


def _one_of(kind: type[_Kind], value: str | None) -> _Kind | None:
    return kind(value) if value in set(kind) else None


def _is_fit(name: str, value: str) -> bool:
    """Tell whether a label can be a filter."""
    if len(name) > MAX_LENGTH or len(value) > MAX_LENGTH:
        return False
    return _text(name) == name and _text(value) == value


def _text(text: str) -> str:
    """Return what of *text* can be written: bytes that are no UTF-8 come as surrogates."""
    return text.encode(errors="replace").decode()
