"""The web services that notifications go to; each answers as its original does."""

import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

__all__ = ["Desk", "Message", "desk"]


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """One request that carried a notification."""

    service: str  #: the first part of its path
    path: str
    query: dict[str, str]
    body: Any


class Desk:
    """Stands in for chats, pagers and ticket systems."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.logins: list[dict[str, str]] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        """Keep what comes, and answer as the service would."""
        service = request.match_info["service"]
        if request.path.endswith("/gettoken"):
            self.logins.append(dict(request.query))
            return web.json_response({"errcode": 0, "access_token": "a-token"})
        body = json.loads(await request.read())
        self.messages.append(Message(service, request.path, dict(request.query), body))
        match service:
            case "slack":
                return web.Response(text="ok")
            case "pagerduty":
                return web.json_response({"status": "success"}, status=202)
            case "telegram":
                # Alertmanager ends with a panic when the chat is missing here.
                result = {"message_id": 1, "chat": {"id": int(body["chat_id"])}}
                return web.json_response({"ok": True, "result": result})
            case _:
                return web.json_response({"errcode": 0, "errmsg": "ok", "code": 0})


@contextlib.asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    """Serve a ``Desk`` on a free port."""
    served = Desk()
    application = web.Application()
    application.router.add_route("*", "/{service}{rest:.*}", served.take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        served.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield served
    finally:
        await runner.cleanup()
