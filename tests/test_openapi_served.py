"""What the daemon serves is what the OpenAPI document and its page say."""

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest

from callmon import __version__
from callmon.clock import SECOND
from callmon.openapi import document
from tests.acceptance.driver import CONFIG, Daemon, get, running

pytestmark = pytest.mark.anyio

PAGE = Path(__file__).parent.parent / "docs" / "operators" / "api.md"
EXAMPLES = re.findall(r"^ {4}curl (.+)$", PAGE.read_text(), re.MULTILINE)
FOR_PEOPLE = {"/", "/queue/{name}", "/group/{name}", "/static/{name}", "/api/v1/"}
START = 1_795_400_000
DOCUMENT = document(__version__)
WITH_TEAMS = CONFIG.replace(
    "defaults:\n", "labels: [team]\ndefaults:\n  labels: {{team: sales}}\n"
)


def addresses(daemon: Daemon) -> set[tuple[str, str]]:
    """Return the method and path of everything that the server answers."""
    assert daemon.app is not None
    server = daemon.app.server
    found = set()
    for route in server._application().router.routes():
        assert route.resource is not None
        path = route.resource.canonical
        for each in (
            [path.replace("{view}", view) for view in server._routes.views]
            if "{view}" in path
            else [path]
        ):
            found.add((route.method.lower(), each))
    return {(method, path) for method, path in found if method != "head"}


def schema_of(path: str) -> Mapping[str, Any]:
    """Return the schema of the good answer at *path*."""
    answer = DOCUMENT["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
    return {**answer["schema"], "components": DOCUMENT["components"]}


async def test_every_address_is_described(tmp_path: Path) -> None:
    """What programs can ask for is in the document, and what is there can be asked for."""
    async with running(tmp_path, START * SECOND) as (daemon, _):
        served = addresses(daemon)

    described = {(method, path) for path, has in DOCUMENT["paths"].items() for method in has}
    assert described == {each for each in served if each[1] not in FOR_PEOPLE}


async def test_the_examples_of_the_page_work(tmp_path: Path) -> None:
    """Each is answered as the document says, by a daemon in which somebody waits."""
    async with running(tmp_path, START * SECOND, text=WITH_TEAMS) as (daemon, log):
        log.write([f"{START}|1.1|sales|NONE|ENTERQUEUE||13800138000|1"])
        await daemon.leap((START + 300) * SECOND)
        await daemon.durable()  # of former alerts tells the journal
        assert daemon.app is not None
        for example in EXAMPLES:
            (url,) = shlex.split(example)
            parts = urlsplit(url)
            status, text = await get(
                url.replace("http://127.0.0.1:9877", daemon.app.server.address)
            )
            assert 200 == status, text
            jsonschema.Draft202012Validator(schema_of(parts.path)).validate(json.loads(text))
            assert '"sales"' in text
            assert "13800138000" not in text
    assert len(EXAMPLES) >= 4


async def test_the_document_itself_is_served(tmp_path: Path) -> None:
    """As it is of this version."""
    async with running(tmp_path, START * SECOND) as (daemon, _):
        assert daemon.app is not None
        status, text = await get(f"{daemon.app.server.address}/api/v1/openapi.json")

    assert (200, DOCUMENT) == (status, json.loads(text))
