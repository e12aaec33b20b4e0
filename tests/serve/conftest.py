"""A server in this process, without a socket, over run directories that tests make."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from chaosmem.cli.lines import sentence
from chaosmem.serve.app import application
from chaosmem.serve.settings import Settings
from tests.serve import stage

HERE = "http://127.0.0.1:8787"
TOKEN = "correct horse battery staple"


class Visitor:
    """A reader's browser: keeps cookies, and can send the forms of the pages that it sees."""

    def __init__(self, app: ASGIApp) -> None:
        self._transport = httpx.ASGITransport(app)
        self.cookies = httpx.Cookies()

    def ask(self, method: str, to: str, *, follow: bool = True, **more: Any) -> httpx.Response:
        return asyncio.run(self._ask(method, to, follow=follow, **more))

    async def _ask(self, method: str, to: str, *, follow: bool, **more: Any) -> httpx.Response:
        async with httpx.AsyncClient(
            transport=self._transport, base_url=HERE, cookies=self.cookies, follow_redirects=follow
        ) as client:
            answer = await client.request(method, to, **more)
            self.cookies = client.cookies
            return answer

    def get(self, to: str, **more: Any) -> httpx.Response:
        return self.ask("GET", to, **more)

    def post(self, to: str, **more: Any) -> httpx.Response:
        return self.ask("POST", to, follow=False, **more)

    def mark(self, path: str) -> str:
        """The mark in the forms of that page."""
        found = re.search(r'name="mark" value="([0-9a-f]{64})"', self.get(path).text)
        assert found is not None, path
        return found[1]

    def send(self, to: str, *, seen: str, **form: str) -> httpx.Response:
        """Send a form that the page `seen` carries."""
        return self.post(to, data={"mark": self.mark(seen)} | form)


Visit = Callable[..., Visitor]


@pytest.fixture(autouse=True)
def tidy() -> Iterator[None]:
    """Close the run directories that a test wrote to."""
    yield
    for run in [*stage.OPEN]:
        run.close()


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Where the runs are."""
    place = tmp_path / "runs"
    place.mkdir()
    return place


@pytest.fixture
def db(tmp_path: Path) -> str:
    """A history that is not there yet, as `--db` has it."""
    return str(tmp_path / "history.db")


@pytest.fixture
def visit(base: Path, db: str) -> Visit:
    """A visitor of a server with these settings."""

    def one(**changes: Any) -> Visitor:
        settings = Settings(base=base, history=f"sqlite:///{db}", sentence=sentence, **changes)
        return Visitor(application(settings)[0])

    return one
