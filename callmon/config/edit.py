"""YAML text edited in place: everything outside the edit stays byte for byte. Pure.

Comments, order, spacing, quotes and line ends are the administrator's. An edit cuts at the
places of the nodes; then the text is read again, and an edit that came to anything else than
what was asked for (an alias, a scalar over several lines …) is refused, never half made.
"""

import re
from collections.abc import Callable, Iterable, Sequence

import yaml

from callmon.config.nodes import Data, Loc
from callmon.config.problems import path_text

__all__ = ["EditError", "commented", "holds", "replaced", "value_text", "with_item", "with_key"]

_BLOCK_SCALARS = frozenset("|>")
_PLAIN = re.compile(r"[^\W\d_][\w ./-]*[\w.]|[^\W_]")
"""Text that is surely a plain scalar: no indicator begins it, none of ``:#,[]{}`` is in it."""
_VALUE = re.compile(r"[0-9][0-9A-Za-z.%]*")
"""A limit or a duration: also plain."""
_ENDS = re.compile(r"\r\n|\n|\r")
_INDENT = re.compile(r"[ ]*")
_NULLS = {"", "~", "null", "Null", "NULL"}


class EditError(Exception):
    """The edit cannot be made here; the text says where and why. Nothing is changed."""


def replaced(text: str, loc: Loc, value: str) -> str:
    """Return *text* with the scalar at *loc* replaced; its quotes stay what they are.

    Raises:
        EditError: there is no scalar, or replacing it would change something else.
    """
    node = _at(text, loc)
    if not isinstance(node, yaml.ScalarNode) or node.style in _BLOCK_SCALARS:
        raise EditError(f"{path_text(loc)}: expected a value on one line to replace")
    begin, end = _span(node)
    empty = begin == end
    written = (" " if empty and text[begin - 1 : begin] != " " else "") + _scalar(
        value, node.style
    )
    result = text[:begin] + written + text[end:]
    wanted = _changed(_data(_root(text)), loc, lambda _old: value)
    return _seen(result, wanted, loc)


def with_key(text: str, loc: Loc, key: str, value: Data, after: str = "") -> str:
    """Return *text* with *key* added to the mapping at *loc*, behind the key *after*.

    Without *after*, or where there is no such key, it becomes the last one.

    Raises:
        EditError: there is no mapping, it has the key, or its lines leave no place.
    """
    node = _at(text, loc)
    if not isinstance(node, yaml.MappingNode) or any(k.value == key for k, _ in node.value):
        raise EditError(f"{path_text(loc)}: expected a mapping without '{key}'")
    names = [name.value for name, _ in node.value]
    position = names.index(after) if after in names else len(names) - 1
    addition = f"{_scalar(key, None)}: {value_text(value)}"
    if node.flow_style or not names:
        result = _into_flow(text, node, [v for _, v in node.value], position + 1, addition)
    else:
        indent = " " * node.value[0][0].start_mark.column
        lines = [indent + addition]
        if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
            lines = [f"{indent}{_scalar(key, None)}:"]
            lines += [f"{indent}  - {value_text(one)}" for one in value]
        result = _lines_behind(text, _leaf(node.value[position][1]), lines)

    def added(old: Data) -> Data:
        return {**(old if isinstance(old, dict) else {}), key: value}

    wanted = _changed(_data(_root(text)), loc, added)
    return _seen(result, wanted, loc)


def with_item(text: str, loc: Loc, position: int, value: Data) -> str:
    """Return *text* with *value* put into the list at *loc*, before what is at *position*.

    Raises:
        EditError: there is no list, or its lines leave no place.
    """
    node = _at(text, loc)
    addition = value_text(value)
    if isinstance(node, yaml.ScalarNode) and _data(node) is None:
        result = text[: _span(node)[0]] + f" [{addition}]" + text[_span(node)[1] :]
    elif not isinstance(node, yaml.SequenceNode):
        raise EditError(f"{path_text(loc)}: expected a list")
    elif node.flow_style:
        result = _into_flow(text, node, node.value, position, addition)
    else:
        result = _into_block(text, loc, node, position, addition)

    def added(old: Data) -> Data:
        items = list(old) if isinstance(old, list) else []
        return [*items[:position], value, *items[position:]]

    wanted = _changed(_data(_root(text)), loc, added)
    return _seen(result, wanted, loc)


def holds(text: str, loc: Loc) -> bool:
    """Tell whether there is something at *loc*."""
    try:
        _at(text, loc)
    except EditError:
        return False
    return True


def commented(text: str, loc: Loc, comment: str, words: Iterable[str] = ()) -> str:
    """Return *text* with *comment* on a line above that of *loc*.

    It takes the place of one there that begins with the same word, or one of *words*. Where
    none can stand, within a text over several lines, there will be none. What is no printable
    character would end the comment, or the file, and is a question mark.
    """
    comment = "".join(char if char.isprintable() else "?" for char in comment)
    start = _begin(text, _key_start(text, loc))
    found = _INDENT.match(text, start)
    indent = found[0] if found else ""
    before = text[:start]
    if start:
        previous = text[_line_start(text, start) : start]
        first = (comment.partition(" ")[0], *words)
        if previous.startswith(tuple(f"{indent}# {word} " for word in first)):
            before = text[: start - len(previous)]
    result = f"{before}{indent}# {comment}{_line_end(text, start)}{text[start:]}"
    return result if _data(_root(result)) == _data(_root(text)) else text


def value_text(value: Data) -> str:
    """Return *value* on one line, in braces and brackets where it has parts."""
    if isinstance(value, dict):
        pairs = (f"{_scalar(key, None)}: {value_text(one)}" for key, one in value.items())
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(value_text, value))}]"
    return "null" if value is None else _scalar(value, None)


def _scalar(value: str, style: str | None) -> str:
    """Return *value* in the quotes of *style*; plain only where that surely is safe."""
    if (
        not style
        and value not in _NULLS
        and (_PLAIN.fullmatch(value) or _VALUE.fullmatch(value))
    ):
        return value
    if style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(map(_escape, escaped)) + '"'


def _escape(char: str) -> str:
    return char if char.isprintable() else f"\\U{ord(char):08x}"


def _root(text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise EditError("expected YAML") from error


def _at(text: str, loc: Loc) -> yaml.Node:
    """Return the node at *loc*; one that an alias names belongs elsewhere, too."""
    node = _root(text)
    for part in loc:
        before = node
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == part), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part] if part < len(node.value) else None
        else:
            node = None
        if node is None or before is None:
            raise EditError(f"{path_text(loc)}: there is no such place")
    if node is None:
        raise EditError(f"{path_text(loc)}: the file is empty")
    return node


def _data(node: yaml.Node | None) -> Data:
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _data(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_data(one) for one in node.value]
    if not isinstance(node, yaml.ScalarNode) or (not node.style and node.value in _NULLS):
        return None
    return str(node.value)


def _changed(data: Data, loc: Loc, change: Callable[[Data], Data]) -> Data:
    """Return *data* with what stands at *loc* changed."""
    if not loc:
        return change(data)
    part, rest = loc[0], loc[1:]
    if isinstance(data, dict):
        return {
            key: _changed(value, rest, change) if key == part else value
            for key, value in data.items()
        }
    if isinstance(data, list):
        return [
            _changed(value, rest, change) if position == part else value
            for position, value in enumerate(data)
        ]
    raise EditError(f"{path_text(loc)}: there is no such place")


def _seen(text: str, wanted: Data, loc: Loc) -> str:
    """Return *text*, which must hold *wanted*."""
    if _data(_root(text)) != wanted:
        raise EditError(f"{path_text(loc)}: cannot be edited here without changing more")
    return text


def _span(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.index, node.end_mark.index


def _leaf(node: yaml.Node) -> yaml.Node:
    """Return the last thing written of *node*: a block collection has no end of its own."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(node, yaml.MappingNode) else last
    return node


def _into_flow(
    text: str, node: yaml.Node, values: Sequence[yaml.Node], position: int, addition: str
) -> str:
    """Return *text* with *addition* between brackets or braces."""
    if not values:
        inside = _span(node)[0] + 1
        gap = " " if isinstance(node, yaml.MappingNode) else ""
        behind = gap if text[inside] in "]}" else ""
        return f"{text[:inside]}{gap}{addition}{behind}{text[inside:]}"
    if position == 0:
        begin = _span(values[0])[0]
        return f"{text[:begin]}{addition}, {text[begin:]}"
    end = _span(values[position - 1])[1]
    return f"{text[:end]}, {addition}{text[end:]}"


def _into_block(
    text: str, loc: Loc, node: yaml.SequenceNode, position: int, addition: str
) -> str:
    line = " " * node.start_mark.column + "- " + addition
    if position:
        return _lines_behind(text, _leaf(node.value[position - 1]), [line])
    begin = _span(node)[0]
    start = _begin(text, begin)
    if text[start:begin].strip():
        raise EditError(f"{path_text(loc)}: expected the list on lines of its own")
    # Right below the key, so that a comment above the first item stays with it.
    while start > 0 and _is_comment(text, start):
        start = _line_start(text, start)
    return text[:start] + line + _line_end(text, start) + text[start:]


def _is_comment(text: str, start: int) -> bool:
    """Tell whether the line before the one at *start* is blank or a comment."""
    line = text[_line_start(text, start) : start].strip()
    return not line or line.startswith("#")


def _line_start(text: str, start: int) -> int:
    """Return where the line before the one at *start* begins."""
    end = start - (2 if text.endswith("\r\n", 0, start) else 1)
    return _begin(text, end)


def _begin(text: str, place: int) -> int:
    """Return where the line of *place* begins."""
    return max(text.rfind("\n", 0, place), text.rfind("\r", 0, place)) + 1


def _lines_behind(text: str, leaf: yaml.Node, lines: Sequence[str]) -> str:
    """Return *text* with *lines* below the line on which *leaf* ends."""
    place = _span(leaf)[1]
    ending = _line_end(text, place)
    if isinstance(leaf, yaml.ScalarNode) and leaf.style in _BLOCK_SCALARS:
        whole = text[:place].endswith(("\n", "\r"))  # it ends with its last line
    else:
        found = _ENDS.search(text, place)
        whole = found is not None
        place = len(text) if found is None else found.end()
    addition = ending.join(lines)
    addition = addition + ending if whole else ending + addition
    return text[:place] + addition + text[place:]


def _line_end(text: str, near: int) -> str:
    """Return how lines end here."""
    found = _ENDS.search(text, near) or _ENDS.search(text)
    return found[0] if found else "\n"


def _key_start(text: str, loc: Loc) -> int:
    """Return where the key of *loc* begins, or its item."""
    parent = _at(text, loc[:-1])
    if isinstance(parent, yaml.MappingNode):
        return next(_span(key)[0] for key, _ in parent.value if key.value == loc[-1])
    return _span(_at(text, loc))[0]
