"""Take a document in: its bytes as sent, or fetched through the guarded way out; checked, counted, put into the queue."""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

import anyio

from tools.context_plane.errors import ContextRefused
from tools.context_plane.facts import EVERYBODY
from tools.context_plane.rag.records import DocumentRecord, new_document_id
from tools.context_plane.rag.stores import AddedDocument, DocumentStore
from tools.context_plane.stores import Scope
from tools.egress.client import Egress, OutboundRequest
from tools.errors import UpstreamFailed
from tools.operation import Failure, Json
from tools.plain_text import visible
from tools.text.urls import parts_of

MAX_DOCUMENT_BYTES = 20_000_000
MAX_NAME_CHARS = 300
FETCH_TIMEOUT_S = 30.0
#: hashing more than this is left to a thread
_QUICKLY_HASHED_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """What is taken in: `content` or `url`. `media_type` '' : what the bytes look like."""

    name: str
    content: bytes | None = field(default=None, repr=False)
    url: str = ""
    media_type: str = ""
    metadata: Mapping[str, Json] = field(default_factory=dict)
    is_private: bool = False


class Uploads:
    """Puts documents into the queue; `wake` has the reader look there."""

    def __init__(self, store: DocumentStore, egress: Egress, wake: Callable[[], None], clock: Callable[[], float] = time.time) -> None:
        self._store, self._egress, self._wake, self._clock = store, egress, wake, clock

    async def upload(self, scope: Scope, request: UploadRequest, timeout_s: float = FETCH_TIMEOUT_S) -> AddedDocument:
        """Keep a document; it is read soon. Raises ContextRefused, EgressRefused, UpstreamFailed, QuotaExceeded: then nothing is kept."""
        content, media_type = request.content, request.media_type
        if content is None:
            content, said = await self._fetched(scope, request.url, timeout_s)
            media_type = media_type or said
        name = visible(request.name).strip()[:MAX_NAME_CHARS] or _name_in(request.url)
        if not content:
            raise ContextRefused("no_text", f"{name} is empty", hint="send the bytes of the document as content, or the url where it is")
        if len(content) > MAX_DOCUMENT_BYTES:
            raise too_large(name)
        document = DocumentRecord(
            document_id=new_document_id(),
            audience=scope.subject if request.is_private else EVERYBODY,
            name=name,
            media_type=media_type,
            sha256=await _digest(content),
            size_bytes=len(content),
            created_at_us=int(self._clock() * 1_000_000),
            metadata=request.metadata,
            url=request.url,
        )
        added = await self._store.add(scope, document, content)
        self._wake()
        return added

    async def _fetched(self, scope: Scope, url: str, timeout_s: float) -> tuple[bytes, str]:
        """Return the bytes at a URL and the media type that its server gives them."""
        holder = (scope.tenant_id, scope.subject)
        request = OutboundRequest("GET", url, timeout_s=timeout_s, max_body_bytes=MAX_DOCUMENT_BYTES + 1, holder=holder)
        response = await self._egress.send(request)
        if response.status != 200:
            message = f"{url} answered {response.status}"
            hint = "documents are fetched without an account; send what needs one as content"
            raise UpstreamFailed(Failure("upstream_error", message, hint=hint))
        return response.body, response.headers.get("content-type", "").partition(";")[0].strip().lower()


def too_large(name: str) -> ContextRefused:
    """Return the refusal of what is longer than a document may be."""
    return ContextRefused(
        "too_large", f"{name} has more than {MAX_DOCUMENT_BYTES // 1_000_000} MB", hint="send it in parts, a chapter a document"
    )


def _name_in(url: str) -> str:
    last = unquote(parts_of(url).path.rstrip("/").rpartition("/")[2])
    return visible(last).strip()[:MAX_NAME_CHARS] or parts_of(url).netloc[:MAX_NAME_CHARS] or "document"


async def _digest(content: bytes) -> str:
    if len(content) <= _QUICKLY_HASHED_BYTES:
        return hashlib.sha256(content).hexdigest()
    return await anyio.to_thread.run_sync(lambda: hashlib.sha256(content).hexdigest())
