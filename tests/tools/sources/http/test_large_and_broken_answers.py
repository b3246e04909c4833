"""Answers that are heavy, broken off, or carry odd headers."""

import asyncio
from dataclasses import replace

import orjson
import pytest

from tests.tools.sources.http.api_world import GET, ApiWorld
from tools.large_json import LargeJson
from tools.operation import Download


async def test_an_upstream_that_is_down_is_one_clear_error(world: ApiWorld) -> None:
    """Nothing is raised for what an upstream may do."""
    operation = world.operation(GET)
    down = replace(operation, binding={**operation.binding, "base_url": "http://127.0.0.1:9"}, content_hash="down")
    failure = (await world.run(down)).error
    assert failure is not None
    assert failure.code == "upstream_unreachable"
    assert failure.retryable


@pytest.mark.parametrize(("method", "retryable"), [("get", True), ("post", False)])
async def test_a_connection_that_breaks_during_a_write_is_not_called_retryable(world: ApiWorld, method: str, retryable: bool) -> None:
    """The upstream may have done its work before it went away; whoever repeats a write must look first."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        operation = world.operation(GET, method)
        broken = replace(operation, binding={**operation.binding, "base_url": f"http://127.0.0.1:{port}"}, content_hash=f"broken {method}")
        failure = (await world.run(broken)).error
    assert failure is not None
    assert (failure.code, failure.retryable) == ("upstream_reset", retryable)
    assert retryable or "may have taken effect" in (failure.hint or "")


MANY = b'{"rows": [' + b",".join(b'{"id": %d}' % number for number in range(70_000)) + b"]}"


async def test_a_heavy_answer_stays_text(world: ApiWorld) -> None:
    """attacks.md: a 24 MB answer took 740 MB and stopped the loop for 1.4 s; objects of it are never made here."""
    world.upstream.answer(200, b"\xef\xbb\xbf" + MANY, Link='<?page=2>; rel="next"')
    outcome = await world.run(world.operation(GET))
    assert isinstance(outcome.data, LargeJson)
    assert orjson.loads(outcome.data.text) == orjson.loads(MANY)
    assert outcome.http is not None
    assert outcome.http.next_link == f"{world.upstream.base_url}/things?page=2"


async def test_a_heavy_answer_that_is_no_json_is_malformed(world: ApiWorld) -> None:
    """The same words as for a small one."""
    world.upstream.answer(200, MANY[:-1])
    failure = (await world.run(world.operation(GET))).error
    assert failure is not None
    assert failure.code == "upstream_malformed"
    assert failure.upstream is not None
    assert len(failure.upstream["body"]) < 70_000


async def test_a_heavy_text_is_read_by_its_charset(world: ApiWorld) -> None:
    """Codecs of East Asia take up to half a second for 32 MB."""
    text = "日本語, " * 300_000
    world.upstream.answer(200, text.encode("shift_jis"), content_type="text/plain; charset=shift_jis")
    outcome = await world.run(world.operation(GET))
    assert isinstance(outcome.data, LargeJson)
    assert orjson.loads(outcome.data.text) == text


async def test_a_heavy_file_is_a_file(world: ApiWorld) -> None:
    """Whatever it looks like."""
    world.upstream.answer(200, b"\x89PNG" + b",[{" * 100_000, content_type="image/png")
    outcome = await world.run(world.operation(GET))
    assert isinstance(outcome.data, Download)
    assert len(outcome.data.body) == 300_004


@pytest.mark.parametrize("status", [400, 503])
async def test_a_heavy_error_is_told_as_far_as_it_is_shown(world: ApiWorld, status: int) -> None:
    """The body of an error is text then, cut and said so."""
    world.upstream.answer(status, MANY)
    failure = (await world.run(world.operation(GET))).error
    assert failure is not None
    assert failure.upstream is not None
    assert str(failure.upstream["body"]).endswith(f"… ({len(MANY)} bytes)")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X_RateLimit_Limit", "9" * 10_000),
        ("X_RateLimit_Remaining", "²"),
        ("Retry_After", "9" * 10_000),
        ("Retry_After", "1 " * 5_000),
        ("Link", "<" * 8_000),
        ("Link", "<http://[>; rel=next"),
        ("Content_Disposition", "filename*=" * 800),
        ("Content_Type", "text/plain; charset=" * 300),
    ],
)
@pytest.mark.parametrize("status", [200, 429])
async def test_a_header_of_any_value_is_no_fault_of_ours(world: ApiWorld, status: int, name: str, value: str) -> None:
    """Integers of 10,000 digits, dates of 10,000 characters, links without an end."""
    world.upstream.answer(status, "{}", **{name: value.encode().decode("latin-1")})
    outcome = await world.run(world.operation(GET))
    assert outcome.http is not None
    assert outcome.http.status == status
