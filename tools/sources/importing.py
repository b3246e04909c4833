"""Make an OpenAPI document's operations, or an MCP server's tools, the catalogue's."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from oauth.connections.credentials import Credential
from tools.catalog.quarantine import HeldTool, QuarantineStore, stamp_of
from tools.egress.addresses import authority_of
from tools.egress.client import Egress
from tools.errors import ImportFailed
from tools.operation import Failure, Json, Operation
from tools.sources.import_options import earlier_import, options_of
from tools.sources.import_source import read_file, read_source
from tools.sources.mcp.acceptance import accepted_operations, held_back, still_held
from tools.sources.mcp.import_server import import_server
from tools.sources.openapi.import_document import ImportResult, import_document
from tools.sources.openapi.overlay import read_overlay
from tools.stores import ImportDiff, OperationStore


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What to import, and as what. `tenant_id` None: shared by all tenants. `overlay` is the path of a file.

    An OpenAPI document without a `location` is read where the provider's last import found it.
    """

    location: str
    provider: str
    tenant_id: str | None = None
    base_url: str | None = None
    include: tuple[str, ...] = ()
    overlay: str | None = None
    #: folder within which files that the document refers to may be; its own where None
    root: str | None = None
    #: forget what the last import was told, and name operations anew
    is_fresh: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import brought. `held`: tools that wait until an operator accepts them."""

    result: ImportResult
    diff: ImportDiff
    held: tuple[HeldTool, ...] = ()
    #: operation id -> the definition that was accepted of it, for showing what is held against it
    accepted: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    #: options of the last import that went for this one too, as one would write them
    recalled: tuple[str, ...] = ()


async def import_openapi(store: OperationStore, request: ImportRequest, *, dry_run: bool = False) -> Imported:
    """Import a document, whole or not at all; with `dry_run` only say what would change.

    Raises ImportFailed, EgressRefused, UpstreamFailed.
    """
    earlier = None if request.is_fresh else await earlier_import(store, request.tenant_id, request.provider)
    options = await options_of(
        request.location, request.base_url, request.include, request.overlay, request.root, earlier, request.provider
    )
    document = await read_source(options.location, options.root)
    result = import_document(
        document.raw,
        provider=request.provider,
        tenant_id=request.tenant_id,
        location=document.location,
        base_url=options.base_url,
        include=options.include,
        externals=document.externals,
        overlay=options.read_overlay(),
        known=await store.load_provider(request.tenant_id, request.provider) if earlier else (),
    )
    told = {"options": options.as_settings(), "document": document.as_settings()}
    source = replace(result.source, settings={**result.source.settings, **told})
    imported = await _store(store, replace(result, source=source), dry_run=dry_run)
    return replace(imported, recalled=options.recalled)


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
    store: OperationStore,
    quarantine: QuarantineStore,
    tenant_id: str | None,
    provider: str,
    tools: Collection[str] = (),
    seen: str | None = None,
) -> tuple[HeldTool, ...]:
    """Accept what is held of a source exactly as it was reviewed, all of it or the tools (or operations) named; return what was accepted.

    Nothing is asked of the upstream: should it say something else again by now, that is held in turn. `seen`: the stamp of what was
    reviewed; raises ImportFailed where something else is held by now.
    """
    source = next((each for each in await store.sources(tenant_id) if each.provider == provider), None)
    rows = await quarantine.held_of(tenant_id, provider)
    if seen is not None and seen != stamp_of(rows):
        raise ImportFailed(
            Failure("changed_since", f"what is held of {provider!r} is not what was reviewed; run `ascend import review` again")
        )
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
