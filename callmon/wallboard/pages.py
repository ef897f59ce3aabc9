"""The pages of the wallboard as HTML, and what they are made of: the one door to Jinja.

A page shows its first picture without any script: the templates fill the same slots that
the script fills later on. Templates and assets are read once.
"""

import dataclasses
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

import jinja2
from markupsafe import Markup, escape

from callmon.board import Board
from callmon.clock import SECOND, Micros
from callmon.http_pages import Asset
from callmon.rules import SubjectKind
from callmon.wallboard import charts
from callmon.wallboard.figures import clock_of, wait_text
from callmon.wallboard.look import Look, Show, Theme
from callmon.wallboard.painting import ATTRIBUTES, COUNTED, Slots
from callmon.wallboard.picture import Picture
from callmon.wallboard.texts import LEVELS, TEXTS
from callmon.wording import Language

__all__ = ["Pages"]

_TYPES: Final = {
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}

COLUMNS: Final = (
    "waiting",
    "waiting_over_target",
    "longest_wait",
    "service_level_now",
    "abandonment_rate",
    "answer_rate",
    "agents",
    "answered_today",
)
"""Of the table of queues, in their order."""

_NOTHING: Final[Mapping[str, tuple[str, ...]]] = {}


class Pages:
    """Makes pages of pictures."""

    def __init__(self, version: str) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.PackageLoader("callmon.wallboard"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._assets = {
            file.name: _asset(file.name, file.read_bytes())
            for file in files("callmon.wallboard").joinpath("static").iterdir()
            if file.name.rpartition(".")[2] in _TYPES
        }
        self._version = version
        self.version = self._fingerprint()
        self._templates = {
            name: self._environment.get_template(name)
            for name in ("wallboard.html", "subject.html", "unknown.html")
        }

    def _fingerprint(self) -> str:
        """Return what differs when pages are made otherwise: those that are open reload."""
        parts = [self._version, *(asset.version for asset in self._assets.values())]
        loader = self._environment.loader
        if loader is not None:
            parts += [
                loader.get_source(self._environment, name)[0]
                for name in loader.list_templates()
            ]
        return _digest("\n".join(parts).encode())

    def asset(self, name: str) -> Asset | None:
        """Return a part of the pages; None: there is no such."""
        return self._assets.get(name)

    def page(
        self,
        board: Board,
        picture: Picture,
        look: Look,
        labels: Mapping[str, tuple[str, ...]] = _NOTHING,
    ) -> str:
        """Return the wallboard, or the view of the subject of *look*.

        That one is a text that nothing is known of it where *board* has no row. *labels* are
        the values to choose from (``labels_of``).
        """
        if look.subject is None:
            name = "wallboard.html"
        else:
            name = "subject.html" if board.rows else "unknown.html"
        root = "" if look.subject is None else "../"
        present = board.now
        kind, _, subject = (look.subject or "").partition(":")
        return self._templates[name].render(
            head=_Item("", picture.board, present, root, look),
            rows=[_Item(id_, row, present, root, look) for id_, row in picture.rows.items()],
            alerts=[
                _Item(id_, row, present, root, look) for id_, row in picture.alerts.items()
            ],
            blank=_Item("", {}, present, root, look),
            look=look,
            labels=labels,
            kind=kind,
            subject=subject,
            root=root,
            now=present / SECOND,
            texts=TEXTS[look.language],
            levels=LEVELS[look.language],
            assets=self._assets,
            version=self.version,
            release=self._version,
            **_CONSTANTS,
        )


_CONSTANTS: Final = {
    "charts": charts,
    "columns": COLUMNS,
    "counted": COUNTED,
    "kinds": tuple(SubjectKind),
    "languages": ((Language.ENGLISH, "English"), (Language.CHINESE, "中文")),
    "replace": dataclasses.replace,
    "shows": tuple(Show),
    "themes": (None, *Theme),
}


class _Item:
    """The slots of the head, or of one row, as templates fill them in."""

    __slots__ = ("_attributes", "_present", "_slots", "id", "own")

    def __init__(self, id_: str, slots: Slots, present: Micros, root: str, look: Look) -> None:
        self.id = id_
        self._slots = slots
        self._present = present
        self._attributes: dict[str, list[Markup]] = {}
        own: list[Markup] = []
        for key, value in slots.items():
            if not value:
                continue
            if key.startswith("@"):
                own.append(_attribute(f"data-{key[1:]}", value))
                continue
            slot, _, attribute = key.rpartition(".")
            if slot and attribute in ATTRIBUTES:
                told = f"{root}{value}{look.query()}" if attribute == "path" else value
                written = _attribute(ATTRIBUTES[attribute], told)
                self._attributes.setdefault(slot, []).append(written)
        self.own = Markup("").join(own)

    def attributes(self, slot: str) -> Markup:
        """Return the attributes of the element of *slot*."""
        return Markup("").join(self._attributes.get(slot, ()))

    def text(self, slot: str) -> str:
        """Return the text in *slot*: what counts or runs is of the present."""
        since = self._slots.get(f"{slot}.since")
        if since:
            return wait_text(max(self._present - round(float(since) * SECOND), 0))
        offset = self._slots.get(f"{slot}.offset")
        if offset:
            return clock_of(self._present, int(offset))
        return self._slots.get(slot, "")


def _attribute(name: str, value: str) -> Markup:
    return Markup(' {}="{}"').format(Markup(name), escape(value))  # noqa: S704 - our own names


def _asset(name: str, body: bytes) -> Asset:
    content_type = _TYPES[name.rpartition(".")[2]]
    return Asset(body=body, content_type=content_type, version=_digest(body))


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]
