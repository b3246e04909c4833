"""The body of a request as the arguments of an operation: JSON, or for documents multipart (RFC 7578), within bounds."""

import asyncio
import base64
from codecs import BOM_UTF8
from collections.abc import AsyncGenerator, Mapping

import orjson
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Receive

from server.request_body import BODY_TIMEOUT_S, LARGE_BODY_BYTES, MAX_BODY_BYTES, read_body
from server.rest_api.refusals import RequestRefused
from server.rest_api.route import Body
from tools.heavy_json.weight import MAX_SENT_VALUES, values_in_turns
from tools.operation import Json
from tools.text.half_characters import with_marked_halves

#: a document of 20 MB as base64 within JSON, or as it is with the fields beside it
MAX_DOCUMENT_BODY_BYTES = 28 * 1024 * 1024
#: documents come over slow lines
DOCUMENT_TIMEOUT_S = 300.0
MAX_FIELDS = 8
MAX_FIELD_BYTES = 64 * 1024
_PARTS = "send one part `file`, and `name`, `media_type`, `metadata` beside it"
_JSON_FIELDS = frozenset({"metadata"})


class _InMemory(MultiPartParser):
    """Keeps the file in memory: what a tenant sends must not lie in a temporary folder."""

    spool_max_size = MAX_DOCUMENT_BODY_BYTES + 1


#: also what curl calls a body that it was given with -d: it is read as JSON, and refused as what is none
_AS_JSON = frozenset({"application/json", "", "application/x-www-form-urlencoded"})


async def arguments_in(body: Body, headers: Headers, receive: Receive) -> dict[str, Json]:
    """Return what a body says. Raises RequestRefused, and ClientGone where nobody waits for an answer any more."""
    if body == "none":
        return {}
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    is_document = body == "document"
    if media_type not in _AS_JSON and not (is_document and media_type == "multipart/form-data"):
        also = " or multipart/form-data" if is_document else ""
        raise RequestRefused(415, "unsupported_media", f"the body is {media_type[:60]}", f"send application/json{also}")
    raw = await _whole(receive, is_document)
    if body == "optional" and not raw.strip():
        return {}
    return await _form(headers, raw) if media_type == "multipart/form-data" else await _object(raw)


async def _whole(receive: Receive, is_document: bool) -> bytes:
    most, seconds = (MAX_DOCUMENT_BODY_BYTES, DOCUMENT_TIMEOUT_S) if is_document else (MAX_BODY_BYTES, BODY_TIMEOUT_S)
    try:
        raw = await read_body(receive, most, seconds)
    except TimeoutError as error:
        late = f"the body did not arrive within {seconds:.0f} s"
        raise RequestRefused(408, "invalid_arguments", late, "send it again", {"connection": "close"}) from error
    if raw is None:
        hint = "send a document in parts, a chapter each" if is_document else "send less at once"
        raise RequestRefused(413, "too_large", f"the body is larger than {most >> 20} MiB", hint, {"connection": "close"})
    return raw


async def _object(raw: bytes) -> dict[str, Json]:
    # RFC 8259 §8.1: a reader may ignore the byte order mark that some writers put in front.
    raw = raw.removeprefix(BOM_UTF8)
    # decision 0027: weighed as text, since decoding millions of values stops everybody.
    if len(raw) > MAX_SENT_VALUES and await values_in_turns(raw, MAX_SENT_VALUES) > MAX_SENT_VALUES:
        raise RequestRefused(413, "too_large", f"the body holds more than {MAX_SENT_VALUES:,} values", "send fewer at once")
    try:
        value = orjson.loads(with_marked_halves(raw))
    except orjson.JSONDecodeError as error:
        message = f"the body is no JSON (RFC 8259) in UTF-8: {error.msg} at byte {error.pos}"
        raise RequestRefused(400, "invalid_arguments", message, "send one JSON object with the arguments as its members") from error
    if not isinstance(value, dict):
        raise RequestRefused(400, "invalid_arguments", "the body is not a JSON object", "its members are the arguments")
    if len(raw) > LARGE_BODY_BYTES:
        await asyncio.sleep(0)
    return value


async def _form(headers: Headers, raw: bytes) -> dict[str, Json]:
    """Return the arguments of an upload: one file, and fields with the operation's names."""

    async def stream() -> AsyncGenerator[bytes, None]:
        for start in range(0, len(raw), LARGE_BODY_BYTES):
            yield raw[start : start + LARGE_BODY_BYTES]
            await asyncio.sleep(0)

    try:
        form = await _InMemory(headers, stream(), max_files=1, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES).parse()
    except (MultiPartException, KeyError, ValueError) as error:
        message = f"the body is no multipart/form-data (RFC 7578): {str(error)[:200] or type(error).__name__}"
        raise RequestRefused(400, "invalid_arguments", message, _PARTS) from error
    arguments: dict[str, Json] = {}
    try:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                arguments |= {
                    "content": base64.b64encode(await value.read()).decode(),
                    "encoding": "base64",
                    **_described(value, arguments),
                }
            elif name in _JSON_FIELDS:
                arguments[name] = _json_field(name, value)
            else:
                arguments["content" if name == "text" else name] = value
    finally:
        await form.close()
    if not arguments:
        raise RequestRefused(400, "invalid_arguments", "the form is empty", _PARTS)
    return arguments


def _described(file: UploadFile, given: Mapping[str, Json]) -> dict[str, Json]:
    """Return what a file's part says of it, where no field says otherwise. A path in a name is the sender's affair (RFC 7578 §4.2)."""
    found: dict[str, Json] = {}
    if file.filename and "name" not in given:
        found["name"] = file.filename.replace("\\", "/").rpartition("/")[2]
    # What clients send who do not know is no word about the document.
    if file.content_type and file.content_type != "application/octet-stream" and "media_type" not in given:
        found["media_type"] = file.content_type.partition(";")[0].strip().lower()
    return found


def _json_field(name: str, value: str) -> Json:
    try:
        return orjson.loads(with_marked_halves(value.encode()))
    except orjson.JSONDecodeError as error:
        raise RequestRefused(400, "invalid_arguments", f"the field {name} is no JSON", 'write an object: {"team": "sales"}') from error
