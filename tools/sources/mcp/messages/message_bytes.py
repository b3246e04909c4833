"""What an MCP server sends as the JSON that it means: UTF-8, under JSON's own name, with nothing that is no text (RFC 8259 §8)."""

import re

from tools.charsets import mark_of, wide_codec_of
from tools.sources.http.content import bare_type, is_json, text_of

#: what servers call JSON that nobody told them the name of
_UNNAMED = frozenset({"", "text/plain", "application/octet-stream"})
#: of more the SDK judges: looking at each takes its time
MAX_HALVES = 50_000
#: an escaped backslash, a pair of surrogates, or half of one, as programs write that cut a text in the middle of a character
_ESCAPES = re.compile(rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})")


def may_be_json(media_type: str) -> bool:
    """Say whether an answer of this type is worth reading as JSON."""
    return is_json(media_type) or bare_type(media_type) in _UNNAMED


def plain_json(body: bytes, media_type: str | None) -> bytes:
    """Return JSON text in UTF-8, without halves of characters. `media_type` None: it is an event, which is UTF-8 in any case."""
    if media_type is not None and (not body.isascii() or b"\0" in body[:4]):
        body = _in_utf8(body, media_type)
    if 0 < body.count(b"\\ud") + body.count(b"\\uD") <= MAX_HALVES:
        body = _ESCAPES.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)
    return body


def _in_utf8(body: bytes, media_type: str) -> bytes:
    if mark_of(body) is None and (wide := wide_codec_of(body)) is not None:
        return body.decode(wide, "replace").encode()
    if mark_of(body) is None:
        try:
            body.decode()
        except UnicodeDecodeError:
            pass
        else:
            return body
    return text_of(body, media_type)[0].encode()
