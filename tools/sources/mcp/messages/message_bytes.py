"""What an MCP server sends as the JSON that it means: UTF-8, under JSON's own name, with nothing that is no text (RFC 8259 §8)."""

from tools.sources.http.content import bare_type, is_json, text_of
from tools.text.charsets import mark_of, wide_codec_of
from tools.text.half_characters import without_halves

#: what servers call JSON that nobody told them the name of
_UNNAMED = frozenset({"", "text/plain", "application/octet-stream"})


def may_be_json(media_type: str) -> bool:
    """Say whether an answer of this type is worth reading as JSON."""
    return is_json(media_type) or bare_type(media_type) in _UNNAMED


def plain_json(body: bytes, media_type: str | None) -> bytes:
    """Return JSON text in UTF-8, without halves of characters. `media_type` None: it is an event, which is UTF-8 in any case."""
    if media_type is not None and (not body.isascii() or b"\0" in body[:4]):
        body = _in_utf8(body, media_type)
    return without_halves(body)


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
