"""A small editor: speaks the Language Server Protocol with a real yaml-language-server."""

import dataclasses
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Editor", "open_editor"]

ROOT = Path(__file__).parents[2]
SERVER = (
    ROOT / ".tools/language-server/node_modules/yaml-language-server/bin/yaml-language-server"
)
TIMEOUT_SECONDS = 30.0

Json = dict[str, Any]


@dataclasses.dataclass
class Editor:
    """One editor with one server; a file is opened by its text."""

    process: "subprocess.Popen[bytes]"
    folder: Path
    _number: int = 0
    _buffer: bytes = b""
    _diagnostics: dict[str, list[Json]] = dataclasses.field(default_factory=dict)

    def start(self) -> None:
        """Introduce ourselves as an editor that fills in templates."""
        markdown = ["markdown", "plaintext"]
        item = {"snippetSupport": True, "documentationFormat": markdown}
        abilities = {
            "textDocument": {
                "completion": {"completionItem": item},
                "hover": {"contentFormat": markdown},
                "publishDiagnostics": {},
            },
            "workspace": {"configuration": True},
        }
        root = self.folder.as_uri()
        asked = {"processId": os.getpid(), "rootUri": root, "capabilities": abilities}
        self.ask("initialize", asked)
        self._send({"method": "initialized", "params": {}})

    def ask(self, method: str, params: Json) -> Any:
        """Return what the server answers."""
        self._number += 1
        number = self._number
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == number and "method" not in message:
                return message.get("result")

    def open(self, text: str) -> str:
        """Show *text* as a file of its own; return its address."""
        self._number += 1
        address = (self.folder / f"{self._number}.yml").as_uri()
        document = {"uri": address, "languageId": "yaml", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        return address

    def mistakes(self, text: str) -> list[str]:
        """Return what the editor underlines in *text*: ``line: message``."""
        address = self.open(text)
        while address not in self._diagnostics:
            self._receive()
        return [
            f"{one['range']['start']['line'] + 1}: {one['message']}"
            for one in self._diagnostics.pop(address)
        ]

    def offers(self, text: str) -> list[Json]:
        """Return what is offered at the ``^`` in *text*."""
        return list(self._at_mark("textDocument/completion", text)["items"])

    def hover(self, text: str) -> str:
        """Return what is shown when the pointer rests on what follows the ``^``."""
        found = self._at_mark("textDocument/hover", text)
        return "" if found is None else str(found["contents"]["value"])

    def _at_mark(self, method: str, text: str) -> Any:
        before, _, after = text.partition("^")
        address = self.open(before + after)
        lines = before.split("\n")
        place = {"line": len(lines) - 1, "character": len(lines[-1])}
        return self.ask(method, {"textDocument": {"uri": address}, "position": place})

    def _send(self, message: Json) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def _receive(self) -> Json:
        """Return the next message; answer what the server asks."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while (message := self._cut()) is None:
            assert self.process.stdout is not None
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(left, 0))
            assert ready, "the language server says nothing"
            found = os.read(self.process.stdout.fileno(), 65_536)
            assert found, "the language server has ended"
            self._buffer += found
        if message.get("method") == "textDocument/publishDiagnostics":
            self._diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "id" in message and "method" in message:
            self._send({"id": message["id"], "result": _answer(message)})
        return message

    def _cut(self) -> Json | None:
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return None
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        if len(rest) < length:
            return None
        self._buffer = rest[length:]
        message: Json = json.loads(rest[:length])
        return message


def _answer(message: Json) -> Any:
    """Return our settings; nothing is fetched from anywhere."""
    if message["method"] != "workspace/configuration":
        return None
    yaml = {"completion": True, "hover": True, "validate": True}
    settings = {**yaml, "schemaStore": {"enable": False}}
    return [
        settings if item.get("section") == "yaml" else {} for item in message["params"]["items"]
    ]


@contextmanager
def open_editor(folder: Path) -> Iterator[Editor]:
    """Yield an editor whose files lie in *folder*, as far as they are on the disk."""
    node = ROOT / ".venv/bin/node"
    with subprocess.Popen(
        [node, SERVER, "--stdio"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
    ) as process:
        editor = Editor(process, folder)
        try:
            editor.start()
            yield editor
        finally:
            process.kill()
