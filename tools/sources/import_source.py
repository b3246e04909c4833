"""Read what is imported, where it is: a file or a URL, and the documents beside it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import anyio

from tools.egress.addresses import authority_of
from tools.egress.client import MAX_BODY_BYTES, Egress, OutboundRequest
from tools.errors import ImportFailed, UpstreamFailed
from tools.operation import Failure, Json
from tools.sources.openapi.external_documents import folder_reader, gather_externals, url_reader
from tools.sources.shipped_documents import shipped_path

MAX_VALIDATOR_CHARS = 512
ACCEPT = (("Accept", "application/json, application/yaml, */*"),)


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """A document as it was read, where it is, and those beside it that it refers to, by absolute location."""

    raw: bytes = field(repr=False)
    location: str
    externals: Mapping[str, bytes] = field(repr=False)
    #: by which its server tells versions apart (RFC 9110 §8.8); empty for a file
    etag: str = ""
    last_modified: str = ""

    def as_settings(self) -> dict[str, Json]:
        """Return which version this is, for whoever looks later whether there is another."""
        return {"sha256": hashlib.sha256(self.raw).hexdigest(), "etag": self.etag, "last_modified": self.last_modified}


async def read_source(location: str, root: str | None = None) -> SourceDocument:
    """Return the document in a file, at a URL or that comes along (by its vendor's name), with what it refers to.

    The operator named this host, so it may be a private one.

    `root`: the folder within which the documents that a file refers to may be; its own where None.
    """
    if location.startswith(("http://", "https://")):
        async with Egress([authority_of(location)]) as egress:
            try:
                response = await egress.send(OutboundRequest("GET", location, ACCEPT))
            except UpstreamFailed as error:
                if error.failure.code != "upstream_unreachable":
                    raise
                raise ImportFailed(replace(error.failure, message=f"{error}; check the address, and that its service runs")) from error
            if response.status != 200:
                raise ImportFailed(Failure("source_unavailable", f"{location} answered {response.status}; check the address in a browser"))
            externals = await gather_externals(response.body, response.url, url_reader(egress.outbound))
        etag, last_modified = (response.headers.get(name, "")[:MAX_VALIDATOR_CHARS] for name in ("ETag", "Last-Modified"))
        return SourceDocument(response.body, response.url, externals, etag, last_modified)
    path = path_of(location)
    if not await anyio.Path(path).exists() and (shipped := shipped_path(location)) is not None:
        path = str(shipped)
    raw = await read_file(path)
    resolved = await anyio.Path(path).resolve()
    if root is not None and not resolved.is_relative_to(await anyio.Path(root).resolve()):
        raise ImportFailed(
            Failure("source_unavailable", f"{location} is not in {root}; name a folder with --root that has the document, too")
        )
    own = resolved.as_uri()
    return SourceDocument(raw, own, await gather_externals(raw, own, folder_reader(), Path(root) if root is not None else None))


def path_of(location: str) -> str:
    """Return the path of a file, which may be written as a file: URL."""
    return unquote(urlsplit(location).path) if location.startswith("file://") else location


async def read_file(location: str) -> bytes:
    """Return the bytes of a file. Raises ImportFailed."""
    path = anyio.Path(location)
    try:
        if (await path.stat()).st_size > MAX_BODY_BYTES:
            raise ImportFailed(Failure("source_too_large", f"{location} is larger than {MAX_BODY_BYTES >> 20} MiB"))
        return await path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not the name of a file"
        raise ImportFailed(Failure("source_unavailable", f"{location}: {reason}; give a file or an http(s) URL")) from error
