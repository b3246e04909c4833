"""A member that comes twice in a body is refused, however it is written; nothing else is."""

import asyncio
from typing import Any

import httpx2
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.mcp.duplicate_names import BLANKS_AND_ZEROS, may_repeat, names_in, repeated_name, repeated_name_in_turns
from tests.server.mcp.requests import legacy_body, legacy_headers, modern_body, modern_headers
from tests.server.mcp.test_transport import http, origin

__all__ = ["http", "origin"]

CALL = {"name": "call_api", "arguments": {"api": "crm.contacts.search", "args": {"query": "a"}}}
NAMES = st.sampled_from(["a", "b", 'a"', 'x":', "é", "\\"])
JSON = st.recursive(
    st.none() | st.integers(-9, 9) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def doubled(body: dict[str, Any], place: bytes, extra: bytes) -> bytes:
    text = orjson.dumps(body)
    assert place in text
    return text.replace(place, extra + place, 1)


@pytest.mark.parametrize(
    ("place", "extra"),
    [
        (b'"query":', b'"query":"other",'),
        (b'"query":', b'"query" :"other",'),
        (b'"query":', b'"qu\\u0065ry"\t:\n"a: b",'),
        (b'"api":', b'"api":"crm.contacts.delete",'),
        (b'"name":', b'"name":"batch_execute",'),
        (b'"jsonrpc":', b'"id":2,'),
    ],
    ids=["argument", "blank", "escaped", "operation", "tool", "envelope"],
)
def test_a_body_that_says_something_twice_is_refused_in_both_eras(http: httpx2.Client, place: bytes, extra: bytes) -> None:
    """What a filter in front of us read must be what we run: parsers differ in which member counts."""
    for headers, body in (
        (modern_headers("tools/call", "call_api"), modern_body("tools/call", CALL)),
        (legacy_headers(), legacy_body("tools/call", CALL)),
    ):
        response = http.post("/mcp", content=doubled(body, place, extra), headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (400, -32600), response.text
        assert "twice" in response.json()["error"]["message"]


def test_colons_in_texts_are_no_members(http: httpx2.Client) -> None:
    """They only cost a second look."""
    arguments = {"api": "crm.contacts.search", "args": {"query": '{"a":1, "a" : 2} https://x.test/'}}
    body = modern_body("tools/call", {"name": "call_api", "arguments": arguments})
    response = http.post("/mcp", content=orjson.dumps(body), headers=modern_headers("tools/call", "call_api"))
    assert response.status_code == 200, response.text


@pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])
async def test_texts_of_megabytes_are_no_place_to_hide_a_repeated_name(twice: bool) -> None:
    """They are not read for it, only passed over, with their escapes."""
    text = b'{"t":"%b","a":1,"%b":2}' % (b'\\":\\\\' * 100_000, b"a" if twice else b"b")
    names = names_in(orjson.loads(text))
    assert repeated_name(text, text.translate(BLANKS_AND_ZEROS), names) == ("a" if twice else None)
    assert await repeated_name_in_turns(text, names) == ("a" if twice else None)


@given(value=JSON, twice=st.booleans(), blank=st.sampled_from(["", " ", "\t", "\n ", "\r"]))
def test_a_repeated_name_is_never_missed_and_never_invented(value: Any, twice: bool, blank: str) -> None:
    """RFC 8259 §4. The quick count may only clear a body that has none."""
    inner = orjson.dumps(value).decode()
    text = f'{{"k"{blank}:{inner},"{"k" if twice else "l"}"{blank}:{inner},"m":1}}'.encode()
    flat = text.translate(BLANKS_AND_ZEROS)
    names = names_in(orjson.loads(text))
    assert (repeated_name(text, flat, names) is not None) == twice
    assert (asyncio.run(repeated_name_in_turns(text, names)) is not None) == twice
    if twice:
        assert flat.count(b":") != names
        assert may_repeat(flat, names)


@pytest.mark.parametrize("depth", [200, 600, 5000])
def test_a_body_that_nests_deeply_is_refused_and_never_a_fault_of_ours(http: httpx2.Client, depth: int) -> None:
    """Bad input is normal input."""
    text = b'{"a": ' * depth + b"1" + b"}" * depth
    body = orjson.dumps(modern_body("tools/call", CALL)).replace(b'{"query":"a"}', text)
    assert http.post("/mcp", content=body, headers=modern_headers("tools/call", "call_api")).status_code in (200, 400)
