"""The console in the process, and somebody who opens its pages."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest

from tests.server.admin.console.console_app import COOKIE, ConsoleApp

ORIGIN = "https://ascend.example"


@dataclass
class Browser:
    """`who`: the name of a session (console_app.StandInSessions)."""

    app: ConsoleApp
    http: httpx2.AsyncClient

    def is_(self, who: str) -> None:
        """Sit down as somebody else."""
        self.http.cookies.clear()
        self.http.cookies.set(COOKIE, who)

    async def open(self, path: str, status: int = 200) -> str:
        """Return a page as it comes."""
        answer = await self.http.get(path)
        assert answer.status_code == status, answer.text
        return answer.text

    async def token(self, path: str) -> str:
        """Return the form token of a page."""
        return (await self.open(path)).partition('name="csrf" value="')[2].partition('"')[0]

    async def post(self, path: str, **fields: str) -> httpx2.Response:
        """Send the form of the page at `path`."""
        return await self.http.post(path, data={"csrf": await self.token(path), **fields})


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    app = ConsoleApp()
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=ORIGIN) as http:
        found = Browser(app, http)
        found.is_("owner")
        yield found
