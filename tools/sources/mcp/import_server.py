"""Import a remote MCP server: each tool that it lists becomes an operation, pinned to the definition that was seen."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from types import MappingProxyType

import orjson

from oauth.connections.credentials import Credential
from oauth.principal import Principal
from tools.catalog.operation_names import MAX_NAME_CHARS
from tools.catalog.sentences import MAX_SUMMARY_CHARS, first_sentence
from tools.catalog.signatures import returns_of, signature_of
from tools.catalog.verbs import VERB_BY_WORD, snake, words_of
from tools.egress.client import Egress
from tools.errors import ImportFailed, ToolError
from tools.operation import Failure, Json, Operation
from tools.plain_text import visible, written_out
from tools.sources.mcp.access import access_of_tool, is_idempotent_tool
from tools.sources.mcp.definitions import UpstreamTool
from tools.sources.mcp.input_schema import usable, with_root
from tools.sources.mcp.limits import TOO_LARGE
from tools.sources.mcp.repair import BROKEN
from tools.sources.mcp.session_pool import McpSessions, Upstream
from tools.sources.openapi.find_operations import Skipped
from tools.sources.openapi.import_document import ImportResult
from tools.sources.openapi.overlay import Correction, Overlay
from tools.sources.openapi.schemas.keywords import shortened
from tools.stores import Source

TIMEOUT_S = 30.0


async def import_server(
    egress: Egress,
    url: str,
    *,
    provider: str,
    tenant_id: str | None,
    include: Sequence[str] = (),
    credential: Credential | None = None,
    known: Sequence[Operation] = (),
    admit_new: bool = False,
    overlay: Overlay | None = None,
) -> ImportResult:
    """Return the tools of the server at `url` as operations. Raises ImportFailed where it cannot be reached or lists none.

    `credential`: what to list with; the operations are then called with each subject's own account of `provider`.
    `known`: what was imported before, whose names stay. `admit_new`: tools that are announced later come in unasked.
    """
    importer = Principal(tenant_id or "*", "importer", "import", frozenset(), "import", "local")
    async with McpSessions(egress) as sessions:
        try:
            session = await sessions.get(importer, Upstream(provider, url, tenant_id), credential, None, TIMEOUT_S)
        except ToolError as error:
            raise ImportFailed(_at_import(error.failure, url)) from error
        definitions, server_name, era = list(session.definitions.values()), session.server_name, session.protocol_version
    settings: dict[str, Json] = {
        "include": list(include),
        "protocol_version": era,
        "is_secured": credential is not None,
        "admit_new": admit_new,
        "corrections": {name: each.model_dump(exclude_none=True) for name, each in overlay.corrections.items()} if overlay else {},
    }
    source = Source(provider, tenant_id, "mcp", url, visible(server_name).strip() or provider, settings)
    skipped: list[Skipped] = []
    ids = {str(operation.binding["tool"]): operation.id for operation in known if operation.kind == "mcp"}
    operations = operations_of(definitions, source, skipped, ids_by_tool=ids)
    kept = [operation for operation in operations if included(operation, source)]
    if not kept:
        why = f": {skipped[0].where or 'the first'}: {skipped[0].reason}" if skipped else ""
        raise ImportFailed(Failure("nothing_to_import", f"{url} lists {len(definitions)} tools, and none of them was imported{why}"))
    if overlay:
        names = frozenset(name for operation in operations for name in (operation.id, operation.binding["tool"]))
        skipped += [Skipped(f"overlay: {name}", "there is no such operation or tool") for name in overlay.unknown(names)]
    told = tuple(Skipped(written_out(each.where), written_out(each.reason)) for each in skipped)
    return ImportResult(source, tuple(sorted(kept, key=lambda operation: operation.id)), told, source.title)


def included(operation: Operation, source: Source) -> bool:
    """Say whether an operation is among those that the import asked for."""
    include = source.settings.get("include") or ()
    return not include or any(fnmatchcase(name, glob) for glob in include for name in (operation.id, operation.binding["tool"]))


def _at_import(failure: Failure, url: str) -> Failure:
    if failure.code != "upstream_unauthorized":
        return failure
    return replace(failure, message=f"{url} asks for a credential, or refuses this one; import it with a token that may list its tools")


def operations_of(
    definitions: Iterable[UpstreamTool],
    source: Source,
    skipped: list[Skipped],
    *,
    taken: Iterable[str] = (),
    ids_by_tool: Mapping[str, str] = MappingProxyType({}),
) -> list[Operation]:
    """Return an operation for each definition; what cannot be called is noted in `skipped`.

    A tool keeps the name it has in `ids_by_tool`; the others get one that is neither there nor in `taken`. Raises ImportFailed
    where an overlay gives one id to two.
    """
    corrections = {name: Correction(**each) for name, each in (source.settings.get("corrections") or {}).items()}
    operations: list[Operation] = []
    given: set[str] = set()
    used = {*taken, *ids_by_tool.values()}
    for definition in sorted(definitions, key=lambda definition: definition.name):
        input_schema, reason = _usable(definition)
        if reason is not None:
            skipped.append(Skipped(definition.name[:120], reason))
            continue
        name = ids_by_tool.get(definition.name) or next(name for name in _names(source.provider, definition.name) if name not in used)
        correction = corrections.get(definition.name) or corrections.get(name) or Correction()
        if correction.id is not None:
            name = f"{source.provider}.{correction.id.removeprefix(source.provider + '.')}"
        used.add(name)
        if name in given:
            why = f"the overlay gives the id '{name}' to two tools, {definition.name[:120]!r} among them; ids are one tool's own"
            raise ImportFailed(Failure("invalid_overlay", why))
        given.add(name)
        if not correction.hide:
            operations.append(_operation(name, definition, input_schema, source, correction))
    return operations


def _names(provider: str, tool: str) -> Iterator[str]:
    """Yield ids to choose from: `create_issue` -> provider.issue.create, then the tool's own name, then with a hash of it."""
    words = words_of(tool) or ["tool"]
    plain = f"{provider}.{snake(tool) or 'tool'}"
    digest = hashlib.sha256(tool.encode()).hexdigest()
    if len(plain) <= MAX_NAME_CHARS:
        if len(words) > 1 and words[0] in VERB_BY_WORD:
            yield f"{provider}.{'_'.join(words[1:])}.{words[0]}"
        elif len(words) > 1 and words[-1] in VERB_BY_WORD:
            yield f"{provider}.{'_'.join(words[:-1])}.{words[-1]}"
        yield plain
    for length in (8, 64):
        yield f"{plain[: MAX_NAME_CHARS - length - 1]}_{digest[:length]}"


def _usable(definition: UpstreamTool) -> tuple[Mapping[str, Json], str | None]:
    """Return the schema of a tool's arguments, and why the tool cannot be called, or None."""
    if definition.description in (TOO_LARGE, BROKEN):
        return {}, definition.description
    return usable(definition.input_schema) if definition.name.strip() else ({}, "it has no name")


def _operation(name: str, definition: UpstreamTool, input_schema: Mapping[str, Json], source: Source, correction: Correction) -> Operation:
    access = correction.access or access_of_tool(definition)
    idempotent = correction.idempotent if correction.idempotent is not None else is_idempotent_tool(definition, access)
    description = correction.description if correction.description is not None else shortened(definition.description)
    title = visible(definition.title).strip() or " ".join(words_of(definition.name)).capitalize() or visible(definition.name)
    summary = correction.summary or (first_sentence(definition.description) or title)
    returns = returns_of(definition.output_schema)
    binding: dict[str, Json] = {
        "url": source.location,
        "tool": definition.name,
        "pin": definition.pin,
        "definition": definition.as_json(),
    }
    is_secured, tags = bool(source.settings.get("is_secured")), tuple(correction.tags or ())
    relied_on = [name, access, idempotent, definition.pin, source.location, is_secured, summary, description, tags]
    return Operation(
        id=name,
        kind="mcp",
        provider=source.provider,
        tenant_id=source.tenant_id,
        title=title[:MAX_SUMMARY_CHARS],
        summary=summary,
        description=description,
        access=access,
        idempotent=idempotent,
        input_schema=input_schema,
        output_schema=definition.output_schema,
        signature=signature_of(name, with_root(input_schema), returns),
        returns=returns,
        tags=tags,
        binding=binding,
        content_hash=hashlib.sha256(orjson.dumps(relied_on)).hexdigest(),
        connection=source.provider if is_secured else None,
    )
