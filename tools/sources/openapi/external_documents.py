"""The documents that a document refers to: same origin or same folder only, gathered before anything is converted."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

from oauth.errors import FetchRefused
from oauth.fetch import Outbound
from tools.errors import ImportFailed
from tools.operation import Json
from tools.sources.openapi.document import MAX_DOCUMENT_BYTES, Gathered, parse
from tools.text.urls import joined, parts_of

MAX_DOCUMENTS = 5_000
#: over the network several at a time, and not for ever
MAX_AT_ONCE = 16
MAX_GATHERING_S = 300.0
MAX_DEPTH = 250
TIMEOUT_S = 30.0
_ACCEPT = {"Accept": "application/json, application/yaml, */*"}

#: location -> bytes, or None where there is nothing to read
Read = Callable[[str], Awaitable[bytes | None]]


async def gather_externals(raw: bytes, location: str, read: Read, root: Path | None = None) -> Gathered:
    """Return every document that `raw` refers to, directly or through others, by absolute location.

    `root` is the folder within which files may be, in place of the document's own.
    What is elsewhere than beside the document, missing or too much is left out, with the reason: the operations that need it
    are then reported.
    """
    gathered = Gathered()
    left_bytes = MAX_DOCUMENT_BYTES
    deadline = time.monotonic() + MAX_GATHERING_S
    known = {location}
    pending = deque(_new(parse(raw, location), location, location, known, gathered, root))
    while pending:
        group = [pending.popleft() for _ in range(min(MAX_AT_ONCE, len(pending)))]
        if time.monotonic() > deadline:
            gathered.limit = f"not all documents that were referred to came within {MAX_GATHERING_S:g} s"
            gathered.unread |= dict.fromkeys([*group, *pending], f"was not read: {gathered.limit}")
            break
        for target, found in zip(group, await asyncio.gather(*map(read, group)), strict=True):
            parsed = _parsed(found, target) if found is not None else None
            if found is None or parsed is None or len(found) > left_bytes:
                why = _TOO_LARGE if parsed is not None else "is neither JSON nor YAML" if found is not None else "is not there"
                gathered.unread[target] = why
                continue
            left_bytes -= len(found)
            gathered[target], gathered.parsed[target] = found, parsed
            pending += _new(parsed, target, location, known, gathered, root)
    return gathered


_TOO_LARGE = f"was not read: all documents together are larger than {MAX_DOCUMENT_BYTES >> 20} MiB"


def _new(parsed: Json, where: str, location: str, known: set[str], gathered: Gathered, root: Path | None) -> Iterator[str]:
    """Yield the documents beside `location` that `parsed` is the first to refer to; of the others it is noted why they stay out."""
    for target in referred(parsed, where):
        if target in known:
            continue
        known.add(target)
        if not is_beside(target, location, root):
            gathered.unread[target] = _WHY_ELSEWHERE[parts_of(location).scheme in ("http", "https")]
        elif len(known) > MAX_DOCUMENTS + 1:
            gathered.limit = f"more than {MAX_DOCUMENTS} documents were referred to"
            gathered.unread[target] = f"was not read: {gathered.limit}"
        else:
            yield target


_WHY_ELSEWHERE = {
    True: "is at another origin than the document; bundle it into one",
    False: "is outside the folder of the document; name a folder that has both with --root, or bundle it into one",
}


def referred(node: Json, location: str, depth: int = 0) -> Iterator[str]:
    """Yield the absolute locations of other documents that `node` refers to."""
    if depth > MAX_DEPTH:
        return
    if isinstance(node, Mapping):
        ref = node.get("$ref")
        if isinstance(ref, str) and not ref.startswith("#"):
            yield joined(location, ref).partition("#")[0]
        for value in node.values():
            yield from referred(value, location, depth + 1)
    elif isinstance(node, list):
        for item in node:
            yield from referred(item, location, depth + 1)


def is_beside(target: str, location: str, root: Path | None = None) -> bool:
    """Say whether a document may be read on behalf of the one at `location`: same origin, or for files the same folder or below.

    Links count as what they lead to. `root` stands in place of the folder.
    """
    wanted, own = parts_of(target), parts_of(location)
    if own.scheme in ("http", "https"):
        return (wanted.scheme, wanted.netloc.lower()) == (own.scheme, own.netloc.lower())
    if wanted.scheme not in ("", "file") or wanted.netloc:
        return False
    folder = (root or Path(unquote(own.path)).parent).resolve()
    return Path(unquote(wanted.path)).resolve().is_relative_to(folder)


def folder_reader() -> Read:
    """Return a reader of files; `gather_externals` asks it only for those in the document's own folder."""

    async def read(location: str) -> bytes | None:
        path = Path(unquote(parts_of(location).path))
        return path.read_bytes() if path.is_file() else None  # noqa: ASYNC240 - an import reads a few small local files

    return read


def url_reader(send: Outbound) -> Read:
    """Return a reader of URLs over the guarded way out."""

    async def read(location: str) -> bytes | None:
        try:
            fetched = await send("GET", location, headers=_ACCEPT, body=None, max_bytes=MAX_DOCUMENT_BYTES, timeout_s=TIMEOUT_S)
        except FetchRefused:
            return None
        return fetched.body if fetched.status == 200 else None

    return read


def _parsed(body: bytes, location: str) -> Json:
    """Return what a document holds, or None where it cannot be read."""
    try:
        return parse(body, location)
    except ImportFailed:
        return None
