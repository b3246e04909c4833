"""Read an OpenAPI document from a file or a URL and make its operations the catalogue's."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import anyio

from tools.egress import MAX_BODY_BYTES, Egress, OutboundRequest
from tools.errors import ImportFailed
from tools.operation import Failure
from tools.providers.openapi_import import ImportResult, import_document
from tools.stores import ImportDiff, OperationStore


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What to import, and as what. `tenant_id` None: shared by all tenants."""

    location: str
    provider: str
    tenant_id: str | None = None
    base_url: str | None = None
    include: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    result: ImportResult
    diff: ImportDiff


async def import_openapi(store: OperationStore, request: ImportRequest, *, dry_run: bool = False) -> Imported:
    """Import a document, whole or not at all; with `dry_run` only say what would change.

    Raises ImportFailed, EgressRefused, UpstreamFailed.
    """
    raw, location = await read_source(request.location)
    result = import_document(
        raw,
        provider=request.provider,
        tenant_id=request.tenant_id,
        location=location,
        base_url=request.base_url,
        include=request.include,
    )
    change = store.compare if dry_run else store.replace
    return Imported(result, await change(result.source, result.operations))


async def read_source(location: str) -> tuple[bytes, str]:
    """Return the bytes of a file or URL, and its full location. The operator named this host, so it may be a private one."""
    parts = urlsplit(location)
    if parts.scheme in ("http", "https"):
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        async with Egress([f"{host}:{port}"]) as egress:
            response = await egress.send(OutboundRequest("GET", location, (("Accept", "application/json, application/yaml, */*"),)))
        if response.status != 200:
            raise ImportFailed(Failure("source_unavailable", f"{location} answered {response.status}; check the address in a browser"))
        return response.body, response.url
    path = anyio.Path(location)
    try:
        if (await path.stat()).st_size > MAX_BODY_BYTES:
            raise ImportFailed(Failure("source_too_large", f"{location} is larger than {MAX_BODY_BYTES >> 20} MiB"))
        return await path.read_bytes(), (await path.resolve()).as_uri()
    except OSError as error:
        raise ImportFailed(Failure("source_unavailable", f"{location}: {error.strerror}; give a file or an http(s) URL")) from error
