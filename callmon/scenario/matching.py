"""Sentences held against forms: a form is a template of words, slots and what may be left out.

``caller {who} joins|join [queue] {queue}`` has words with other spellings, slots in braces,
and in brackets what may be missing. Of all that did not fit, the place where a form got
furthest tells best what was meant; what the forms would have taken there is what the
message lists. Pure.
"""

import dataclasses
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from callmon.scenario.steps import Word

__all__ = [
    "END_OF_SENTENCE",
    "Form",
    "Furthest",
    "MissError",
    "Slot",
    "compiled",
    "matched",
    "words_of",
]

_TOKEN = re.compile(r"\"[^\"]*\"|'[^']*'(?=[\s,()（），、]|$)|[(),（），、]|[^\s(),（），、]+")  # noqa: RUF001 - Chinese keyboards
_WIDE = {"（": "(", "）": ")", "，": ",", "、": ","}  # noqa: RUF001 - of Chinese keyboards
_PIECE = re.compile(r"\{(?P<slot>\w+)\}|(?P<open>\[)|(?P<close>\])|(?P<word>[^\s\[\]{}]+)")


END_OF_SENTENCE: Final = "the end of the sentence"


class MissError(Exception):
    """A slot does not take what stands there."""

    def __init__(self, index: int, expected: str = "", options: Sequence[str] = ()) -> None:
        super().__init__(expected)
        self.index = index  #: of the word
        self.expected = expected
        self.options = options  #: words, of which it takes one


Slot = Callable[[Sequence[Word], int], tuple[Any, int]]
"""Takes words from an index on: what they mean, and the index behind; or raises MissError."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Literal:
    spellings: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class _Gap:
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class _Option:
    pieces: "tuple[_Piece, ...]"


_Piece = _Literal | _Gap | _Option


@dataclasses.dataclass(frozen=True, slots=True)
class Form:
    """A template, and what makes a value of what its slots took."""

    template: str
    build: Callable[[Mapping[str, Any]], Any]
    pieces: tuple[_Piece, ...]

    @property
    def literals(self) -> set[str]:
        """Return the words that the template itself has."""
        return set(_literals(self.pieces))


@dataclasses.dataclass(slots=True)
class Furthest:
    """How far any form got, and what would have fitted there."""

    index: int = -1
    phrases: dict[str, None] = dataclasses.field(default_factory=dict)  #: in order
    slots: dict[str, None] = dataclasses.field(default_factory=dict)

    @property
    def words(self) -> list[str]:
        """Return the words with which the phrases begin."""
        return [phrase.partition(" ")[0] for phrase in self.phrases]

    def note(self, index: int, *, phrases: Iterable[str] = (), slot: str = "") -> None:
        """Note what would have been taken at *index*."""
        if index < self.index:
            return
        if index > self.index:
            self.index, self.phrases, self.slots = index, {}, {}
        self.phrases.update(dict.fromkeys(phrases))
        if slot:
            self.slots[slot] = None


def words_of(sentence: str) -> list[Word]:
    """Return the words of *sentence*; quotes stay around what they hold together."""
    return [
        Word(_WIDE.get(found[0], found[0]), found.start())
        for found in _TOKEN.finditer(sentence)
    ]


def compiled(template: str, build: Callable[[Mapping[str, Any]], Any]) -> Form:
    """Return the form that *template* describes."""
    return Form(template, build, _compiled(_PIECE.finditer(template)))


def matched(
    form: Form,
    words: Sequence[Word],
    slots: Mapping[str, Slot],
    furthest: Furthest,
    *,
    whole: bool = True,
) -> tuple[Any, int] | None:
    """Return what *form* makes of *words*, all if *whole*, and the index of the first left.

    None where it does not fit; then *furthest* knows more.
    """
    for index, taken in _match(form.pieces, words, 0, slots, furthest):
        if index == len(words) or not whole:
            return form.build(taken), index
        furthest.note(index, slot=END_OF_SENTENCE)
    return None


def _compiled(found: Iterator[re.Match[str]]) -> tuple[_Piece, ...]:
    pieces: list[_Piece] = []
    for piece in found:
        if piece["close"]:
            break
        if piece["open"]:
            pieces.append(_Option(_compiled(found)))
        elif piece["slot"]:
            pieces.append(_Gap(piece["slot"]))
        else:
            pieces.append(_Literal(tuple(piece["word"].split("|"))))
    return tuple(pieces)


def _match(
    pieces: tuple[_Piece, ...],
    words: Sequence[Word],
    index: int,
    slots: Mapping[str, Slot],
    furthest: Furthest,
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield every way in which *pieces* take words from *index* on."""
    if not pieces:
        yield index, {}
        return
    piece, rest = pieces[0], pieces[1:]
    if isinstance(piece, _Option):
        for after, taken in _match(piece.pieces, words, index, slots, furthest):
            for end, more in _match(rest, words, after, slots, furthest):
                yield end, {**taken, **more}
        yield from _match(rest, words, index, slots, furthest)
        return
    if isinstance(piece, _Literal):
        if index < len(words) and words[index].text.lower() in piece.spellings:
            yield from _match(rest, words, index + 1, slots, furthest)
        else:
            furthest.note(index, phrases=(_phrase(pieces),))
        return
    try:
        value, after = slots[piece.name](words, index)
    except MissError as miss:
        furthest.note(miss.index, phrases=miss.options, slot=miss.expected)
        return
    for end, more in _match(rest, words, after, slots, furthest):
        yield end, {piece.name: value, **more}


def _phrase(pieces: Iterable[_Piece]) -> str:
    """Return the words with which *pieces* begin."""
    known = itertools.takewhile(lambda piece: isinstance(piece, _Literal), pieces)
    return " ".join(piece.spellings[0] for piece in known if isinstance(piece, _Literal))


def _literals(pieces: Sequence[_Piece]) -> Iterator[str]:
    for piece in pieces:
        if isinstance(piece, _Literal):
            yield from piece.spellings
        elif isinstance(piece, _Option):
            yield from _literals(piece.pieces)
