"""Requests with halves of characters: what is meant for memory is taken, so that it is cleaned there, and said (context contract §6).

For everything else such a body is no JSON, as before: nothing is sent to an upstream but what somebody wrote.
"""

import orjson

from tools.text.half_characters import with_marked_halves

_OF_MEMORY = ("context_", "rag_")


def readable(body: bytes) -> bytes:
    """Return an MCP message that can be read, where it calls an operation of memory; any other as it is."""
    if b"\\ud" not in body and b"\\uD" not in body:
        return body
    marked = with_marked_halves(body)
    if marked == body:
        return body
    try:
        params = orjson.loads(marked)["params"]
        arguments = params.get("arguments") or {}
        called = arguments.get("api") if params["name"] == "call_api" else params["name"]
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError):
        return body
    return marked if isinstance(called, str) and called.startswith(_OF_MEMORY) else body
