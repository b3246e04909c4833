"""The documents that a document refers to: same origin or same folder only, gathered before anything is converted."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from oauth.fetch import Fetch, FetchRefused
from tools.errors import ImportFailed
from tools.operation import Json
from tools.providers.openapi_document import MAX_DOCUMENT_BYTES, parse

MAX_DOCUMENTS = 400
MAX_DEPTH = 250
TIMEOUT_S = 30.0

#: location -> bytes, or None where there is nothing to read
Read = Callable[[str], Awaitable[bytes | None]]


async def gather_externals(raw: bytes, location: str, read: Read) -> dict[str, bytes]:
    """Return every document that `raw` refers to, directly or through others, by absolute location.

    What is elsewhere than beside the document, missing or too much is left out: the operations that need it are then reported.
    """
    gathered: dict[str, bytes] = {}
    pending = [(location, raw)]
    left_bytes = MAX_DOCUMENT_BYTES
    refused: set[str] = set()
    while pending:
        where, body = pending.pop()
        for target in referred(parse(body, where), where):
            if target == location or target in gathered or target in refused:
                continue
            found = await read(target) if is_beside(target, location) and len(gathered) < MAX_DOCUMENTS else None
            if found is None or len(found) > left_bytes or not _is_readable(found, target):
                refused.add(target)
                continue
            left_bytes -= len(found)
            gathered[target] = found
            pending.append((target, found))
    return gathered


def referred(node: Json, location: str, depth: int = 0) -> Iterator[str]:
    """Yield the absolute locations of other documents that `node` refers to."""
    if depth > MAX_DEPTH:
        return
    if isinstance(node, Mapping):
        ref = node.get("$ref")
        if isinstance(ref, str) and not ref.startswith("#"):
            yield urldefrag(urljoin(location, ref))[0]
        for value in node.values():
            yield from referred(value, location, depth + 1)
    elif isinstance(node, list):
        for item in node:
            yield from referred(item, location, depth + 1)


def is_beside(target: str, location: str) -> bool:
    """Say whether a document may be read on behalf of the one at `location`: same origin, or for files the same folder or below."""
    wanted, own = urlsplit(target), urlsplit(location)
    if own.scheme in ("http", "https"):
        return (wanted.scheme, wanted.netloc.lower()) == (own.scheme, own.netloc.lower())
    if wanted.scheme not in ("", "file") or wanted.netloc:
        return False
    folder = Path(unquote(own.path)).resolve().parent
    return Path(unquote(wanted.path)).resolve().is_relative_to(folder)


def folder_reader() -> Read:
    """Return a reader of files; `gather_externals` asks it only for those in the document's own folder."""

    async def read(location: str) -> bytes | None:
        path = Path(unquote(urlsplit(location).path))
        return path.read_bytes() if path.is_file() else None  # noqa: ASYNC240 - an import reads a few small local files

    return read


def fetch_reader(fetch: Fetch) -> Read:
    """Return a reader of URLs over the guarded way out."""

    async def read(location: str) -> bytes | None:
        try:
            fetched = await fetch(
                location, max_bytes=MAX_DOCUMENT_BYTES, timeout_s=TIMEOUT_S, accept="application/json, application/yaml, */*"
            )
        except FetchRefused:
            return None
        return fetched.body if fetched.status == 200 else None

    return read


def _is_readable(body: bytes, location: str) -> bool:
    try:
        parse(body, location)
    except ImportFailed:
        return False
    return True
