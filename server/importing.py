"""Make an OpenAPI document's operations, or an MCP server's tools, the catalogue's."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

import anyio

from oauth.connections.credentials import Credential
from tools.egress import MAX_BODY_BYTES, Egress, OutboundRequest
from tools.errors import ImportFailed
from tools.operation import Failure, Json, Operation
from tools.providers.mcp_acceptance import accepted_operations, held_back, still_held
from tools.providers.mcp_import import import_server
from tools.providers.openapi_externals import fetch_reader, folder_reader, gather_externals
from tools.providers.openapi_import import ImportResult, import_document
from tools.providers.openapi_overlay import read_overlay
from tools.quarantine import HeldTool, QuarantineStore
from tools.stores import ImportDiff, OperationStore

_ACCEPT = (("Accept", "application/json, application/yaml, */*"),)


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What to import, and as what. `tenant_id` None: shared by all tenants. `overlay` is the path of a file."""

    location: str
    provider: str
    tenant_id: str | None = None
    base_url: str | None = None
    include: tuple[str, ...] = ()
    overlay: str | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import brought. `held`: tools that wait until an operator accepts them."""

    result: ImportResult
    diff: ImportDiff
    held: tuple[HeldTool, ...] = ()
    #: operation id -> the definition that was accepted of it, for showing what is held against it
    accepted: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """A document as it was read, where it is, and those beside it that it refers to, by absolute location."""

    raw: bytes = field(repr=False)
    location: str
    externals: Mapping[str, bytes] = field(repr=False)


async def import_openapi(store: OperationStore, request: ImportRequest, *, dry_run: bool = False) -> Imported:
    """Import a document, whole or not at all; with `dry_run` only say what would change.

    Raises ImportFailed, EgressRefused, UpstreamFailed.
    """
    overlay = read_overlay(await read_file(request.overlay), request.overlay) if request.overlay is not None else None
    document = await read_source(request.location)
    result = import_document(
        document.raw,
        provider=request.provider,
        tenant_id=request.tenant_id,
        location=document.location,
        base_url=request.base_url,
        include=request.include,
        externals=document.externals,
        overlay=overlay,
    )
    return await _store(store, result, dry_run=dry_run)


async def import_mcp(
    store: OperationStore,
    request: ImportRequest,
    *,
    quarantine: QuarantineStore,
    credential: Credential | None = None,
    accept: bool = False,
    admit_new: bool = False,
    dry_run: bool = False,
) -> Imported:
    """Import the tools of the MCP server at `request.location`; `credential` lists them.

    What was imported before and is another now is held, and stays what it was, unless `accept`. Raises ImportFailed, EgressRefused.
    """
    overlay = read_overlay(await read_file(request.overlay), request.overlay) if request.overlay is not None else None
    known = await store.load_provider(request.tenant_id, request.provider)
    async with Egress([authority_of(request.location)]) as egress:
        result = await import_server(
            egress,
            request.location,
            provider=request.provider,
            tenant_id=request.tenant_id,
            include=request.include,
            credential=credential,
            known=known,
            admit_new=admit_new,
            overlay=overlay,
        )
    # What would change if all were accepted: the difference is shown whole, whatever of it comes in.
    diff = await store.compare(result.source, result.operations)
    brought, held = (list(result.operations), []) if accept else held_back(result.source, result.operations, known)
    if not dry_run:
        await store.replace(result.source, brought)
        rows = await quarantine.held_of(request.tenant_id, request.provider)
        # What only one tenant's accounts have seen is not decided by what this listing shows.
        left = still_held([row for row in rows if row.concerns is not None], (), held)
        if left or rows:
            await quarantine.hold(request.tenant_id, request.provider, left)
    return Imported(replace(result, operations=tuple(brought)), diff, tuple(held), accepted_definitions(known))


def accepted_definitions(known: Sequence[Operation]) -> dict[str, Mapping[str, Json]]:
    """Return the definitions that were accepted, by operation id."""
    return {operation.id: operation.binding["definition"] for operation in known if operation.kind == "mcp"}


async def accept_held(
    store: OperationStore, quarantine: QuarantineStore, tenant_id: str | None, provider: str, tools: Collection[str] = ()
) -> tuple[HeldTool, ...]:
    """Accept what is held of a source exactly as it was reviewed, all of it or the tools (or operations) named; return what was accepted.

    Nothing is asked of the upstream: should it say something else again by now, that is held in turn.
    """
    source = next((each for each in await store.sources(tenant_id) if each.provider == provider), None)
    rows = await quarantine.held_of(tenant_id, provider)
    chosen = [row for row in rows if not tools or row.tool in tools or row.operation_id in tools]
    if source is None or not chosen:
        return ()
    known = await store.load_provider(tenant_id, provider)
    # The same tool may be held for several tenants; what all see comes first.
    by_tool = {row.tool: row for row in sorted(chosen, key=lambda row: (row.concerns is None, row.concerns or ""))}
    brought, gone = accepted_operations(source, by_tool.values(), known)
    await store.amend(tenant_id, provider, brought, gone)
    await quarantine.hold(tenant_id, provider, still_held(rows, by_tool.keys(), ()))
    return tuple(by_tool.values())


async def _store(store: OperationStore, result: ImportResult, *, dry_run: bool) -> Imported:
    change = store.compare if dry_run else store.replace
    return Imported(result, await change(result.source, result.operations))


async def read_source(location: str) -> SourceDocument:
    """Return the document in a file or at a URL with what it refers to. The operator named this host, so it may be a private one."""
    if location.startswith(("http://", "https://")):
        async with Egress([authority_of(location)]) as egress:
            response = await egress.send(OutboundRequest("GET", location, _ACCEPT))
            if response.status != 200:
                raise ImportFailed(Failure("source_unavailable", f"{location} answered {response.status}; check the address in a browser"))
            externals = await gather_externals(response.body, response.url, fetch_reader(egress.fetch))
        return SourceDocument(response.body, response.url, externals)
    raw = await read_file(location)
    own = (await anyio.Path(location).resolve()).as_uri()
    return SourceDocument(raw, own, await gather_externals(raw, own, folder_reader()))


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


def authority_of(url: str) -> str:
    """Return the `host:port` of a URL, as the guarded way out is told of hosts that may be private ones. Raises ImportFailed."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError) as error:
        raise ImportFailed(Failure("source_unavailable", f"{url} is not an address; give an http(s) URL")) from error
    host = parts.hostname or ""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
