"""What became of scenarios in JUnit's XML, which every CI shows.

By the schema of Jenkins, which others read, too: ``testsuites`` with a ``testsuite`` for
each file, a ``testcase`` for each scenario, and a ``failure`` in it that tells all.
"""

import re
from collections.abc import Sequence
from itertools import groupby
from xml.etree import ElementTree as ET

from callmon.clock import SECOND
from callmon.scenario.results import Result

__all__ = ["junit_text"]

_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_text(results: Sequence[Result]) -> bytes:
    """Return the document, in UTF-8."""
    root = ET.Element("testsuites", _counts(results, name="callmon test"))
    for file, of_file in groupby(results, key=lambda result: result.file):
        found = list(of_file)
        suite = ET.SubElement(root, "testsuite", _counts(found, name=str(file)))
        for result in found:
            _case(suite, result)
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f"<?xml version='1.0' encoding='utf-8'?>\n{text}\n".encode()


def _counts(results: Sequence[Result], *, name: str) -> dict[str, str]:
    return {
        "name": _clean(name),
        "tests": str(len(results)),
        "failures": str(sum(not result.held for result in results)),
        "errors": "0",
        "time": f"{sum(result.took for result in results) / SECOND:.6f}",
    }


def _case(suite: ET.Element, result: Result) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        {
            "name": _clean(result.name),
            "classname": _clean(str(result.file)),
            "time": f"{result.took / SECOND:.6f}",
        },
    )
    failed = [verdict for verdict in result.verdicts if not verdict.held]
    if failed:
        message = f"{failed[0].text}: {failed[0].told.partition(chr(10))[0]}"
        failure = ET.SubElement(
            case, "failure", {"type": "expectation", "message": _clean(message)}
        )
        lines = [f"{result.file}:{one.line}: {one.text}\n{one.told}" for one in failed]
        failure.text = _clean("\n".join(lines))
    out = ET.SubElement(case, "system-out")
    out.text = _clean("\n".join(happened.text for happened in result.timeline))


def _clean(text: str) -> str:
    """Return *text* without characters that XML cannot have at all."""
    return _NO_XML.sub("?", text)
