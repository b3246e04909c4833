"""Import a remote MCP server: each tool that it lists becomes an operation, pinned to the definition that was seen."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

import jsonschema_rs
import orjson

from oauth.connections.credentials import Credential
from oauth.principal import Principal
from tools.egress import Egress
from tools.errors import ImportFailed, ToolError
from tools.naming import VERB_BY_WORD, snake, words_of
from tools.operation import Access, Failure, Json, Operation
from tools.providers.mcp_definitions import ToolDefinition
from tools.providers.mcp_sessions import McpSessions, Upstream
from tools.providers.openapi_access import DESTROYING, access_of
from tools.providers.openapi_found import Skipped
from tools.providers.openapi_import import ImportResult
from tools.providers.openapi_keywords import shortened
from tools.signatures import returns_of, signature_of
from tools.stores import Source

MAX_SUMMARY_CHARS = 160
MAX_DEFINITION_BYTES = 256 * 1024
TIMEOUT_S = 30.0


async def import_server(
    egress: Egress,
    url: str,
    *,
    provider: str,
    tenant_id: str | None,
    include: Sequence[str] = (),
    credential: Credential | None = None,
) -> ImportResult:
    """Return the tools of the server at `url` as operations. Raises ImportFailed where it cannot be reached or lists none.

    `credential`: what to list with; the operations are then called with each subject's own account of `provider`.
    """
    importer = Principal(tenant_id or "*", "importer", "import", frozenset(), "import", "local")
    async with McpSessions(egress) as sessions:
        try:
            session = await sessions.get(importer, Upstream(provider, url), credential, None, TIMEOUT_S)
        except ToolError as error:
            raise ImportFailed(_at_import(error.failure, url)) from error
        definitions, server_name, era = list(session.definitions.values()), session.server_name, session.protocol_version
    skipped: list[Skipped] = []
    operations = operations_of(definitions, url, provider, tenant_id, skipped, is_secured=credential is not None)
    kept = [o for o in operations if not include or any(fnmatchcase(name, glob) for glob in include for name in (o.id, o.binding["tool"]))]
    if not kept:
        raise ImportFailed(Failure("nothing_to_import", f"{url} lists {len(definitions)} tools, and none of them was imported"))
    settings: dict[str, Json] = {"include": list(include), "protocol_version": era, "is_secured": credential is not None}
    source = Source(provider, tenant_id, "mcp", url, server_name or provider, settings)
    return ImportResult(source, tuple(sorted(kept, key=lambda operation: operation.id)), tuple(skipped), server_name or provider)


def _at_import(failure: Failure, url: str) -> Failure:
    if failure.code != "upstream_unauthorized":
        return failure
    return replace(failure, message=f"{url} asks for a credential, or refuses this one; import it with a token that may list its tools")


def operations_of(
    definitions: Sequence[ToolDefinition], url: str, provider: str, tenant_id: str | None, skipped: list[Skipped], *, is_secured: bool
) -> list[Operation]:
    """Return an operation for each definition; what cannot be called is noted in `skipped`."""
    operations: list[Operation] = []
    taken: set[str] = set()
    for definition in sorted(definitions, key=lambda definition: definition.name):
        reason = _unusable(definition)
        if reason is not None:
            skipped.append(Skipped(definition.name[:120], reason))
            continue
        name = next(name for name in _names(provider, definition.name) if name not in taken)
        taken.add(name)
        operations.append(_operation(name, definition, url, provider, tenant_id, is_secured=is_secured))
    return operations


def access_of_tool(definition: ToolDefinition) -> Access:
    """Return the tier that name and hints say; where they disagree, the riskier (a server's hints are its own claim)."""
    words = words_of(definition.name)
    hints = definition.annotations
    spoken = access_of("post", "_".join(words), None)
    if hints.get("readOnlyHint"):
        return "destructive" if words and words[0] in DESTROYING else "read"
    if hints.get("destructiveHint"):
        return "destructive"
    if hints.get("destructiveHint") is False:
        return "destructive" if spoken == "destructive" else "write"
    return spoken


def _names(provider: str, tool: str) -> list[str]:
    """Return ids to choose from: `create_issue` -> provider.issue.create, then the tool's own name, then numbered."""
    words = words_of(tool) or ["tool"]
    plain = f"{provider}.{snake(tool) or 'tool'}"
    numbered = [f"{plain}_{number}" for number in range(2, 200)]
    if len(words) > 1 and words[0] in VERB_BY_WORD:
        return [f"{provider}.{'_'.join(words[1:])}.{words[0]}", plain, *numbered]
    if len(words) > 1 and words[-1] in VERB_BY_WORD:
        return [f"{provider}.{'_'.join(words[:-1])}.{words[-1]}", plain, *numbered]
    return [plain, *numbered]


def _unusable(definition: ToolDefinition) -> str | None:
    if len(orjson.dumps(definition.as_json(), default=str)) > MAX_DEFINITION_BYTES:
        return f"its definition is larger than {MAX_DEFINITION_BYTES >> 10} KiB"
    try:
        jsonschema_rs.validator_for(dict(definition.input_schema), offline=True)
    except (ValueError, jsonschema_rs.ReferencingError):
        return "its input schema is no JSON Schema that stands on its own"
    return None


def _operation(name: str, definition: ToolDefinition, url: str, provider: str, tenant_id: str | None, *, is_secured: bool) -> Operation:
    access = access_of_tool(definition)
    idempotent = access == "read" or definition.annotations.get("idempotentHint") is True
    description = shortened(definition.description)
    title = definition.title or " ".join(words_of(definition.name)).capitalize()
    summary = (description.partition(". ")[0].rstrip(".") or title)[:MAX_SUMMARY_CHARS]
    returns = returns_of(definition.output_schema)
    binding: dict[str, Json] = {"url": url, "tool": definition.name, "pin": definition.pin, "definition": definition.as_json()}
    relied_on = [name, access, idempotent, definition.pin, url, is_secured]
    return Operation(
        id=name,
        kind="mcp",
        provider=provider,
        tenant_id=tenant_id,
        title=title[:MAX_SUMMARY_CHARS],
        summary=summary,
        description=description,
        access=access,
        idempotent=idempotent,
        input_schema=definition.input_schema,
        output_schema=definition.output_schema,
        signature=signature_of(name, definition.input_schema, returns),
        returns=returns,
        tags=(),
        binding=binding,
        content_hash=hashlib.sha256(orjson.dumps(relied_on)).hexdigest(),
        connection=provider if is_secured else None,
    )
