"""YAML text as plain data, with the place of every key and value kept.

Source: YAML 1.2.2 (yaml.org/spec/1.2.2) through PyYAML's nodes. Scalars stay text: ``0401``,
``12:30``, ``NO`` and ``1e3`` mean what the field that reads them says, never a number, a
boolean or a date by accident (PyYAML alone reads YAML 1.1). Only an unquoted ``null``, ``~``
or nothing at all is None.

Merge keys, tags and more than one document are refused: nothing here needs them.
"""

import dataclasses
import re
from collections.abc import Mapping

import yaml

from callmon.config.problems import Level, Problem, path_text
from callmon.config.said import Said
from callmon.config.syntax import control_character, syntax_problem

__all__ = ["Data", "Document", "Loc", "Mark", "parse"]

Data = str | list["Data"] | dict[str, "Data"] | None
"""What a file holds."""

Loc = tuple[str | int, ...]
"""Where something stands: keys and list positions from the top."""

Pairs = list[tuple[yaml.Node, yaml.Node]]

MAX_BYTES = 8 * 1024 * 1024
"""Larger than any hand-written configuration: a wrong file was named."""
MAX_NODES = 400_000
"""Aliases are copied: a few nested ones could otherwise fill the memory."""
MAX_DEPTH = 40
"""Deeper than any section; keeps recursion far from Python's limit."""

_PLAIN_STYLES = {None, ""}
_NULLS = {"", "~", "null", "Null", "NULL"}
_PLAIN_TAGS = {"tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"}
_VARIABLE = re.compile(
    r"\$(?:(?P<dollar>\$)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<default>:-[^}]*)?\}|(?P<open>\{))"
)
_SECRET = re.compile(r"passw|pwd|secret|token|credential|_auth|://\S*@", re.IGNORECASE)
"""A line or path that matches may hold a secret, though its key be misspelt."""


class _Loader(yaml.CSafeLoader):
    """Resolves no scalar: every plain one is text."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML's own shape of the table


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """Where a value and its key stand, counted from 1, and the value as it is written."""

    line: int
    column: int
    key_line: int
    key_column: int
    raw: str


class Document:
    """One parsed file: its data, where everything stands, and the problems found so far.

    Everyone who reads the data reports here; nothing is raised until all is read.
    """

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.data: Data = None
        self.readable = True  #: False when the text is no YAML at all
        self.marks: dict[Loc, Mark] = {}
        self.locs: dict[int, Loc] = {}  #: of each mapping, by id
        self._lines = text.splitlines()
        self._problems: dict[tuple[int, int, str], Problem] = {}
        self._warnings: list[Problem] = []
        self._wrong: set[Loc] = set()
        self._refused: set[Loc] = set()
        self._sections: set[Loc] = set()

    @property
    def problems(self) -> list[Problem]:
        """Every problem, in file order."""
        return [self._problems[key] for key in sorted(self._problems)]

    @property
    def warnings(self) -> list[Problem]:
        """Everything that may be a mistake, in file order."""
        return sorted(self._warnings, key=lambda warning: (warning.line, warning.column))

    def report(self, loc: Loc, message: str, *, key: bool = False) -> None:
        """Add a problem with the value at *loc*, or with its key."""
        mark = self._nearest(loc)
        line, column = (mark.key_line, mark.key_column) if key else (mark.line, mark.column)
        self._refused.add(loc)
        self._wrong.update(loc[:length] for length in range(len(loc) + 1))
        self.report_at(line, column, path_text(loc), message)

    def warn(
        self, loc: Loc, message: Said, *, key: bool = False, level: Level = Level.WARNING
    ) -> None:
        """Add what is allowed but may be a mistake, or what is good to know."""
        mark = self._nearest(loc)
        line, column = (mark.key_line, mark.key_column) if key else (mark.line, mark.column)
        path = path_text(loc)
        excerpt = self._excerpt(line, path)
        self._warnings.append(
            Problem.at(self.file, line, column, path, message, excerpt=excerpt, level=level)
        )

    def report_at(self, line: int, column: int, path: str, message: str) -> None:
        """Add a problem at a place of the text."""
        excerpt = self._excerpt(line, path)
        problem = Problem.at(self.file, line, column, path, message, excerpt=excerpt)
        self._problems.setdefault((line, column, problem), problem)

    def line_of(self, loc: Loc) -> int:
        """Return the line on which what stands at *loc* begins, with its key."""
        return self._nearest(loc).key_line

    def _excerpt(self, line: int, path: str) -> str | None:
        """Return the source line, unless it may hold a secret."""
        text = self._lines[line - 1] if 0 < line <= len(self._lines) else None
        secret = text is not None and (_SECRET.search(text) or _SECRET.search(path))
        return None if secret else text

    def unreadable(self, line: int, column: int, message: str) -> None:
        """Add a problem that ends all reading."""
        self.readable = False
        self.report_at(line, column, "", message)

    def wrong(self, *loc: str | int) -> bool:
        """Tell whether something at *loc* or below it has been reported."""
        return loc in self._wrong

    def refused(self, loc: Loc) -> bool:
        """Tell whether *loc* itself, not something below it, has been reported."""
        return loc in self._refused

    def not_a_mapping(self, loc: Loc) -> bool:
        """Tell whether *loc* holds something else than a section."""
        return loc in self.marks and loc not in self._sections

    def section(self, loc: Loc, data: dict[str, Data]) -> None:
        """Note that *data* is the mapping at *loc*."""
        self.locs[id(data)] = loc
        self._sections.add(loc)

    def misspelt(self, loc: Loc) -> None:
        """Note that something was probably meant to stand at *loc*: it is not missing."""
        self._wrong.add(loc)

    def has(self, *loc: str | int) -> bool:
        """Tell whether the file has something at *loc*."""
        return loc in self.marks

    def names(self, section: str) -> list[str]:
        """Return the keys that stand in *section* of the file, right or wrong."""
        return [str(loc[1]) for loc in self.marks if len(loc) == 2 and loc[0] == section]  # noqa: PLR2004 - a section and a key

    def found(self, loc: Loc) -> str:
        """Return how a message names what stands at *loc*."""
        value: Data = self.data
        for part in loc:
            if isinstance(value, dict) and part in value:
                value = value[str(part)]
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return "nothing"
        if value is None:
            return "nothing"
        if not isinstance(value, str):
            return "a list" if isinstance(value, list) else "a mapping"
        return f"'{self.marks[loc].raw if loc in self.marks else value}'"

    def braced(self, loc: Loc) -> bool:
        """Tell whether the value at *loc* is written in braces."""
        return loc in self.marks and self.marks[loc].raw == "{"

    def _nearest(self, loc: Loc) -> Mark:
        while loc and loc not in self.marks:
            loc = loc[:-1]
        return self.marks.get(loc, Mark(1, 1, 1, 1, ""))


def parse(file: str, text: bytes, environ: Mapping[str, str] | None) -> Document:
    """Return what *text* holds; what is wrong with it stands in ``problems``.

    ``${NAME}`` and ``${NAME:-default}`` are replaced from *environ*, ``$$`` by ``$``. A
    variable's value is always text: it cannot bring YAML of its own. Without *environ*, for
    the files of others, a ``$`` is a ``$`` and keys are merged (``<<``).
    """
    if len(text) > MAX_BYTES:
        document = Document(file, "")
        document.unreadable(1, 1, f"expected at most {MAX_BYTES} bytes, found {len(text)}")
        return document
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        document = Document(file, "")
        line = text.count(b"\n", 0, error.start) + 1
        column = error.start - text.rfind(b"\n", 0, error.start)
        found = f"byte 0x{text[error.start]:02x}"
        document.unreadable(
            line, column, f"expected UTF-8 text, found {found}: save the file as UTF-8"
        )
        return document
    document = Document(file, decoded)
    try:
        node = yaml.compose(decoded, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        document.unreadable(*syntax_problem(error, decoded.splitlines()))
        return document
    except yaml.YAMLError:
        document.unreadable(*control_character(decoded))
        return document
    _Reader(document, environ).read(node)
    return document


class _Reader:
    """Turns nodes into data and marks."""

    def __init__(self, document: Document, environ: Mapping[str, str] | None) -> None:
        self._document = document
        self._environ = environ
        self._count = 0
        self._full = False
        self._open: set[int] = set()

    def read(self, node: yaml.Node | None) -> None:
        """Fill the document with everything below *node*."""
        document = self._document
        if node is None:
            document.data = None
            return
        document.data = self._value((), node, node)
        if self._full:
            document.data, document.readable = None, False

    def _value(self, loc: Loc, node: yaml.Node, key: yaml.Node) -> Data:
        self._count += 1
        if self._count > MAX_NODES:
            if not self._full:
                self._full = True
                self._at(
                    node, "", f"expected at most {MAX_NODES} values, found more (aliases?)"
                )
            return None
        self._document.marks[loc] = _mark(node, key)
        if node.tag not in _PLAIN_TAGS:
            self._document.report(loc, f"tags are not used here: remove {_short_tag(node.tag)}")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(loc, node)
        return self._collection(loc, node)

    def _collection(self, loc: Loc, node: yaml.Node) -> Data:
        if id(node) in self._open or len(loc) > MAX_DEPTH:
            what = (
                "an alias to something that contains it"
                if id(node) in self._open
                else (f"more than {MAX_DEPTH} levels")
            )
            self._document.report(loc, f"expected plain sections, found {what}")
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [
                    self._value((*loc, position), child, child)
                    for position, child in enumerate(node.value)
                    if not self._full
                ]
            return self._mapping(loc, node)
        finally:
            self._open.discard(id(node))

    def _mapping(self, loc: Loc, node: yaml.Node) -> dict[str, Data]:
        data: dict[str, Data] = {}
        self._document.section(loc, data)
        for key, value in self._pairs(node):
            if self._full:
                break
            if not isinstance(key, yaml.ScalarNode):
                self._at(key, path_text(loc), "expected a name as key, found a list or mapping")
                continue
            name = str(key.value)
            place = (*loc, name)
            if name == "<<" and key.style in _PLAIN_STYLES:
                self._document.marks[place] = _mark(key, key)
                message = "merge keys (<<) are not supported: write the keys out"
                self._document.report(place, message)
            elif name in data:
                first = self._document.marks[place].key_line
                self._at(key, path_text(place), f"duplicate key (first at line {first})")
            else:
                data[name] = self._value(place, value, key)
        return data

    def _pairs(self, node: yaml.Node) -> Pairs:
        """Return keys and values of a mapping; in the files of others with what they merge."""
        pairs: Pairs = node.value
        if self._environ is not None:
            return pairs
        own = [pair for pair in pairs if pair[0].value != "<<"]
        taken = {str(key.value) for key, _ in own}
        for key, merged in pairs:
            many = merged.value if isinstance(merged, yaml.SequenceNode) else [merged]
            for one in many if key.value == "<<" else ():
                added = one.value if isinstance(one, yaml.MappingNode) else []
                own += [pair for pair in added if str(pair[0].value) not in taken]
                taken |= {str(name.value) for name, _ in added}
        return own

    def _scalar(self, loc: Loc, node: yaml.ScalarNode) -> Data:
        text = str(node.value)
        plain = node.style in _PLAIN_STYLES
        if plain and text in _NULLS:
            return None
        environ = self._environ
        if environ is None or "$" not in text:
            return text
        text = _VARIABLE.sub(lambda match: self._variable(loc, match, environ), text)
        return None if plain and text in _NULLS else text

    def _variable(self, loc: Loc, match: re.Match[str], environ: Mapping[str, str]) -> str:
        if match["dollar"]:
            return "$"
        if match["open"]:
            message = "expected ${NAME} or ${NAME:-default}; write $${ for the characters ${"
            self._document.report(loc, message)
            return ""
        name, default = match["name"], match["default"]
        value = environ.get(name) or None
        if value is None and default is None:
            self._document.report(
                loc,
                f"environment variable {name} is not set or empty;"
                f" set it, or write ${{{name}:-default}}",
            )
            return ""
        return value if value is not None else str(default)[2:]

    def _at(self, node: yaml.Node, path: str, message: str) -> None:
        mark = node.start_mark
        self._document.report_at(mark.line + 1, mark.column + 1, path, message)


def _mark(node: yaml.Node, key: yaml.Node) -> Mark:
    return Mark(
        node.start_mark.line + 1,
        node.start_mark.column + 1,
        key.start_mark.line + 1,
        key.start_mark.column + 1,
        _raw(node),
    )


def _raw(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return str(node.value)
    return "{" if isinstance(node, yaml.MappingNode) and node.flow_style else ""


def _short_tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")
