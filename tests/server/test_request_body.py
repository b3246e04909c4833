"""One way to read a body: it comes in time and in size, or somebody is told."""

import asyncio
import re
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.types import Message

import server
from oauth.errors import OAuthError
from server import posted_form
from server.authorization import requests as oauth_requests
from server.posted_form import FormUnreadable
from server.request_body import read_body

FORM = [(b"content-type", b"application/x-www-form-urlencoded")]


async def never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def dripping() -> Message:
    await asyncio.sleep(0)
    return {"type": "http.request", "body": b"", "more_body": True}


async def gone() -> Message:
    return {"type": "http.disconnect"}


async def endless() -> Message:
    return {"type": "http.request", "body": b"a" * 8192, "more_body": True}


@pytest.mark.parametrize("receive", [never, dripping])
async def test_a_form_that_never_comes_is_given_up(receive: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """attacks.md: a POST to any page whose body never came was held for ever, by anybody."""
    monkeypatch.setattr(posted_form, "FORM_TIMEOUT_S", 0.01)
    monkeypatch.setattr(oauth_requests, "BODY_TIMEOUT_S", 0.01)
    request = Request({"type": "http", "method": "POST", "headers": FORM}, receive)  # type: ignore[arg-type]
    with pytest.raises(FormUnreadable) as page:
        await posted_form.read_form(request)
    for read in (oauth_requests.read_form, oauth_requests.read_body):
        with pytest.raises(OAuthError) as machine:
            await read(request)
        assert (page.value.status, machine.value.status) == (408, 408)
    with pytest.raises(TimeoutError):
        await read_body(receive, timeout_s=0.01)  # type: ignore[arg-type]


async def test_a_form_without_end_and_one_whose_sender_left_are_refused() -> None:
    """Nothing is kept beyond the bound, and a page is no fault of ours."""
    for receive, status in ((endless, 413), (gone, 400)):
        with pytest.raises(FormUnreadable) as refused:
            await posted_form.read_form(Request({"type": "http", "method": "POST", "headers": FORM}, receive))
        assert refused.value.status == status


def test_no_endpoint_reads_a_body_in_a_way_of_its_own() -> None:
    """Starlette's readers know neither a bound nor a deadline."""
    own = re.compile(r"\brequest\.(?:body|stream|form|json)\(")
    folder = Path(server.__file__).parent
    assert [path.name for path in folder.rglob("*.py") if own.search(path.read_text(encoding="utf-8"))] == []
