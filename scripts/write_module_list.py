#!/usr/bin/env python3
"""Writes the table of modules in docs/developers/architecture.md from their docstrings."""

import ast
import re
from pathlib import Path

__all__ = ["module_table"]

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "developers" / "architecture.md"
BEGIN, END = "<!-- modules: made by `make fmt` -->\n", "<!-- end of modules -->\n"


def module_table() -> str:
    """Return a line a module: its path, the first line of its docstring."""
    package = ROOT / "callmon"
    lines = ["\n| module | what it is |\n|---|---|\n"]
    for file in sorted(package.rglob("*.py")):
        if file.name != "__init__.py":
            docstring = ast.get_docstring(ast.parse(file.read_text())) or ""
            first = docstring.partition("\n")[0].replace("``", "`").replace("|", "\\|")
            lines.append(f"| `{file.relative_to(ROOT)}` | {first} |\n")
    return "".join([*lines, "\n"])


def main() -> None:
    """Rewrite the part between the two marks."""
    page = PAGE.read_text()
    pattern = re.escape(BEGIN) + ".*?" + re.escape(END)
    PAGE.write_text(
        re.sub(pattern, lambda _: BEGIN + module_table() + END, page, flags=re.DOTALL)
    )


if __name__ == "__main__":
    main()
