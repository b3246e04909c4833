"""rag_upload, rag_documents, rag_delete: documents of a tenant, taken in, listed and deleted."""

import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Mapping

from tools.context_plane.errors import ContextRefused, nothing_there
from tools.context_plane.ids import DOCUMENT, id_number, id_text
from tools.context_plane.rag.records import DocumentRecord
from tools.context_plane.rag.stores import DocumentStore
from tools.context_plane.rag.uploads import MAX_DOCUMENT_BYTES, UploadRequest, Uploads, too_large
from tools.context_plane.stores import Scope
from tools.context_plane.times import time_text
from tools.operation import Call, Json, Outcome
from tools.plain_text import visible
from tools.sources.builtin import BuiltinFunction
from tools.text.half_characters import HALF

DOCUMENTS_PER_PAGE = 50
#: what a column of numbers holds, and no more
_NUMBER = re.compile(r"[0-9]{1,19}")
#: of a document in base64
_MAX_CONTENT_CHARS = MAX_DOCUMENT_BYTES * 4 // 3 + 4
#: how PDF and ZIP (DOCX) begin, in base64
_PACKED = ("JVBERi0", "UEsDB")
_METADATA: dict[str, Json] = {
    "type": "object",
    "maxProperties": 50,
    "propertyNames": {"maxLength": 100},
    "additionalProperties": {"type": ["string", "number", "boolean"], "maxLength": 1_000},
}


class DocumentUpload:
    """Takes a document in; it is read after the answer."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads

    async def __call__(self, call: Call) -> Outcome:
        given = call.arguments
        if ("content" in given) == ("url" in given):
            raise _fault("content", "either content or url", "give the document as content, or the url where it is; not both")
        if "content" in given and not given.get("name", "").strip():
            raise _fault("name", "a name", "name the document, like handbook.pdf: citations carry it")
        request = UploadRequest(
            name=given.get("name", ""),
            content=_bytes_of(given) if "content" in given else None,
            url=given.get("url", ""),
            media_type=visible(given.get("media_type", "")),
            metadata=seen_labels(given.get("metadata", {})),
            is_private=given.get("private", False),
        )
        added = await self._uploads.upload(_scope(call), request)
        document_id = id_text(DOCUMENT, added.document.document_id)
        data: dict[str, Json] = {"document_id": document_id, "status": added.document.status}
        if not added.is_new:
            data["duplicate_of"] = document_id
        return Outcome("ok", data=data)

    def function(self) -> BuiltinFunction:
        properties: dict[str, Json] = {
            "name": {"type": "string", "maxLength": 300},
            "content": {"type": "string", "maxLength": _MAX_CONTENT_CHARS},
            "encoding": {"enum": ["text", "base64"]},
            "url": {"type": "string", "pattern": "^https?://", "maxLength": 2_000},
            "media_type": {"type": "string", "maxLength": 200},
            "metadata": _METADATA,
            "private": {"type": "boolean", "default": False},
        }
        schema = {"type": "object", "properties": properties, "additionalProperties": False}
        example = {"name": "travel-policy.md", "content": "# Travel\n\nTrains before planes.", "metadata": {"team": "people"}}
        return BuiltinFunction("rag_upload", self, schema, scope="context:write", example=example, timeout_s=60.0)


class DocumentList:
    """Lists the documents that the caller may see, or shows one."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store

    async def __call__(self, call: Call) -> Outcome:
        given, scope = call.arguments, _scope(call)
        if "document_id" in given:
            return Outcome("ok", data=shown(await _document(self._store, scope, given["document_id"])))
        limit = given.get("limit", DOCUMENTS_PER_PAGE)
        documents = await self._store.list(scope, _place(given.get("cursor")), limit + 1)
        data: dict[str, Json] = {"documents": [shown(document) for document in documents[:limit]], "next_cursor": None}
        if len(documents) > limit:
            last = documents[limit - 1]
            data["next_cursor"] = f"{last.created_at_us}-{last.document_id}"
        return Outcome("ok", data=data)

    def function(self) -> BuiltinFunction:
        properties: dict[str, Json] = {
            "document_id": {"type": "string", "maxLength": 40},
            "limit": {"type": "integer", "minimum": 1, "maximum": 200, "default": DOCUMENTS_PER_PAGE},
            "cursor": {"type": "string", "maxLength": 60},
        }
        schema = {"type": "object", "properties": properties, "additionalProperties": False}
        return BuiltinFunction("rag_documents", self, schema, scope="context:read", example={"limit": 20})


class DocumentDeletion:
    """Deletes a document with everything that was made of it."""

    def __init__(self, store: DocumentStore, deleted: Callable[[str], Awaitable[None]]) -> None:
        self._store, self._deleted = store, deleted

    async def __call__(self, call: Call) -> Outcome:
        scope, asked = _scope(call), call.arguments["document_id"]
        number = id_number(DOCUMENT, asked)
        if number is None or not await self._store.delete(scope, number):
            raise nothing_there("document")
        await self._deleted(scope.tenant_id)
        return Outcome("ok", data={"document_id": asked, "deleted": True})

    def function(self) -> BuiltinFunction:
        properties: dict[str, Json] = {"document_id": {"type": "string", "maxLength": 40}}
        schema = {"type": "object", "properties": properties, "required": ["document_id"], "additionalProperties": False}
        afterwards = "It cannot be undone; who has the document can upload it again"
        example = {"document_id": "doc_7k2m0"}
        return BuiltinFunction("rag_delete", self, schema, scope="context:destructive", afterwards=afterwards, example=example)


def shown(document: DocumentRecord) -> dict[str, Json]:
    """Return a document as callers see it."""
    data: dict[str, Json] = {
        "document_id": id_text(DOCUMENT, document.document_id),
        "name": document.name,
        "status": document.status,
        "media_type": document.media_type,
        "bytes": document.size_bytes,
        "created_at": time_text(document.created_at_us),
        "private": bool(document.audience),
    }
    if document.status == "ready":
        data |= {"chars": document.chars, "pages": document.pages or None, "passages": document.chunks}
    if document.error is not None:
        data["error"] = {"code": document.error.code, "message": document.error.message, "hint": document.error.hint}
    if document.url:
        data["url"] = document.url
    if document.metadata:
        data["metadata"] = dict(document.metadata)
    if document.notes:
        data["notes"] = list(document.notes)
    return data


def seen_labels(metadata: Mapping[str, Json]) -> dict[str, Json]:
    """Return labels without characters that nobody sees: neither a database nor a filter has a use for them."""
    return {visible(key): visible(value) if isinstance(value, str) else value for key, value in metadata.items()}


async def _document(store: DocumentStore, scope: Scope, asked: str) -> DocumentRecord:
    number = id_number(DOCUMENT, asked)
    document = await store.get(scope, number) if number is not None else None
    if document is None:
        raise nothing_there("document")
    return document


def _bytes_of(given: Mapping[str, Json]) -> bytes:
    content: str = given["content"]
    # Who sends a PDF or a DOCX in base64 and does not say so means it: as text it would be read by nobody.
    encoding = given.get("encoding") or ("base64" if content.startswith(_PACKED) else "text")
    if encoding != "base64":
        # A lone surrogate is no character of any document; what reads it cleans it, and says so.
        raw = content.replace(HALF, "\ud800").encode("utf-8", "surrogatepass")
    else:
        try:
            raw = base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError) as error:
            raise _fault("content", "base64 (RFC 4648 §4)", "leave encoding out where content is the text itself") from error
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise too_large(given["name"])
    return raw


def _place(cursor: str | None) -> tuple[int, int] | None:
    if cursor is None:
        return None
    at, _, number = cursor.partition("-")
    if not (_NUMBER.fullmatch(at) and _NUMBER.fullmatch(number) and max(int(at), int(number)) < 2**63):
        raise _fault("cursor", "the next_cursor of the page before", "leave it out to begin with the newest")
    return int(at), int(number)


def _fault(path: str, rule: str, hint: str) -> ContextRefused:
    return ContextRefused("invalid_arguments", f"{path}: {rule} is needed", hint=hint, faults=[{"path": path, "rule": rule}])


def _scope(call: Call) -> Scope:
    return Scope(call.principal.tenant_id, call.principal.subject)
