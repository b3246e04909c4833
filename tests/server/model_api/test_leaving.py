"""Who leaves ends the call at the provider, at every phase, and pays for what was produced (over real connections)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import orjson
import pytest
from starlette.types import Message

from tests.gateway import served
from tests.server.model_api.conftest import Models, prepared
from tests.server.model_api.provider import serving
from tests.waiting import until


@pytest.fixture
async def over_http(tmp_path: Path) -> AsyncIterator[Models]:
    async with serving() as provider, served(tmp_path, egress_allow=("127.0.0.1:*",)) as gateway, prepared(gateway, provider) as models:
        yield models


async def leave(models: Models, model: str, after_bytes: int, **more: object) -> None:
    """Ask, read so much once the provider was asked, and close the connection."""
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}], **more}
    url = f"{models.gateway.settings.base_url}/v1/chat/completions"
    async with aiohttp.ClientSession(headers={"authorization": f"Bearer {models.key}"}) as http:
        asking = asyncio.create_task(http.post(url, json=body))
        await until(lambda: bool(models.provider.asked))
        if after_bytes:
            answer = await asking
            await answer.content.readexactly(after_bytes)
            answer.close()
        else:
            asking.cancel()


async def is_on_record(models: Models) -> bool:
    return [row.outcome for row in await models.rows()] == ["cancelled"]


async def test_in_the_middle_of_a_stream(over_http: Models) -> None:
    await leave(over_http, "one/endless", 2_000, stream=True)
    await until(lambda: over_http.provider.left == 1)
    await until(lambda: is_on_record(over_http))
    (row,) = await over_http.rows()
    assert (row.outcome, row.usage.is_estimated) == ("cancelled", True)
    assert row.usage.output_tokens > 0


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
async def test_before_the_first_byte(over_http: Models, is_stream: bool) -> None:
    await over_http.configure(defaults={"first_byte_s": 30})
    await leave(over_http, "one/silent", 0, stream=is_stream)
    await until(lambda: over_http.provider.left == 1)
    await until(lambda: is_on_record(over_http))
    assert len(over_http.provider.asked) == 1, "a call whose caller left is not repeated"


async def test_as_the_head_of_a_stream_goes_out(over_http: Models) -> None:
    """Settled, and its place at the provider is free, though no event was ever taken."""
    body = orjson.dumps({"model": "one/endless", "messages": [], "stream": True})
    path, headers = "/v1/chat/completions", [(b"authorization", f"Bearer {over_http.key}".encode())]
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": headers}

    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        # A server waits where there is nothing more; whoever answers at once is asked for ever.
        return pending.pop() if pending else await asyncio.Future[Message]()

    async def send(message: Message) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await over_http.gateway.app(scope, receive, send)
    await until(lambda: over_http.provider.left == 1)
    assert await is_on_record(over_http)
