"""Import an OpenAPI document: each of its operations becomes one of ours, and what cannot is reported with the reason."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import jsonschema_rs
import orjson

from tools.catalog.operation_names import Naming, name_operations
from tools.catalog.sentences import first_sentence, humanised, notes_last, summary_of
from tools.catalog.signatures import returns_of, signature_of
from tools.catalog.verbs import VERB_BY_WORD, words_of
from tools.errors import ImportFailed
from tools.json_schema.formats import unchecked
from tools.json_schema.schema_cost import is_bearable
from tools.near_names import near
from tools.operation import Failure, Json, Operation
from tools.plain_text import visible
from tools.sources.openapi.access import access_of, is_idempotent
from tools.sources.openapi.argument_order import common_arguments, order_of
from tools.sources.openapi.document import Gathered, OpenApiDocument, read_document
from tools.sources.openapi.examples import example_call
from tools.sources.openapi.find_operations import MALFORMED, Found, Skipped, find_operations
from tools.sources.openapi.overlay import Correction, Overlay
from tools.sources.openapi.paging import paging_of
from tools.sources.openapi.schemas.keywords import shortened
from tools.sources.openapi.security import schemes_of
from tools.sources.openapi.servers import is_server, server_urls
from tools.sources.openapi.swagger import upgrade
from tools.sources.response_headers import TOLD_OF_HEAD
from tools.stores import Source

MAX_TITLE_CHARS = 60
#: what a schema becomes that our validator cannot compile: the upstream then judges
ANYTHING: dict[str, Json] = {"type": "object", "additionalProperties": True}


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import brings: the source to store, its operations by id, and what was left out or came in reduced."""

    source: Source
    operations: tuple[Operation, ...]
    skipped: tuple[Skipped, ...]
    title: str


def import_document(
    raw: bytes,
    *,
    provider: str,
    tenant_id: str | None,
    location: str,
    base_url: str | None = None,
    include: Sequence[str] = (),
    externals: Mapping[str, bytes] | None = None,
    overlay: Overlay | None = None,
    known: Sequence[Operation] = (),
) -> ImportResult:
    """Return the operations of a document and a report of what was left out. Raises ImportFailed where nothing can come of it.

    `include` are globs on operation id, operationId, path, `METHOD path` or tag; none means all. `externals` are the
    documents that this one refers to, by absolute location (openapi_externals). `overlay` corrects what is derived. `known` is
    what an earlier import brought: those operations keep their ids.
    """
    overlay = overlay or Overlay()
    if base_url is not None:
        # Named at this import: it stands in place of what the file says.
        overlay = replace(overlay, base_url=None, base_urls=())
    document = upgrade(read_document(raw, location, externals))
    _check_server(document, overlay.server, location)
    _tell_prefixes(document, overlay, location)
    read = list(find_operations(document, base_url, overlay))
    skipped = [one for one in read if isinstance(one, Skipped)]
    found = [one for one in read if isinstance(one, Found)]
    operations: list[Operation] = []
    seen: set[str] = set()
    common = common_arguments(found)
    for derived, name, one, correction in _named(provider, found, overlay, known):
        seen |= {derived, one.where}
        if correction.hide or (include and not _is_included(name, one, include)):
            continue
        try:
            operation = _operation(name, one, document, provider, tenant_id, correction, overlay, common)
            operations.append(operation if name == derived else replace(operation, binding={**operation.binding, "derived": derived}))
        except MALFORMED as error:
            skipped.append(Skipped(one.where, f"it is malformed in a way that is not understood: {type(error).__name__}: {error}"))
            continue
        skipped += [Skipped(one.where, f"{reason}; anything is accepted there") for reason in dict.fromkeys(one.arguments.broken)]
        if operations[-1].input_schema is ANYTHING:
            skipped.append(Skipped(one.where, "its arguments cannot be validated here; the upstream judges them"))
    skipped += [
        Skipped(name, "the overlay corrects it, but the document has no such operation") for name in overlay.unknown(frozenset(seen))
    ]
    skipped = _beyond_limit(skipped, externals.limit if isinstance(externals, Gathered) else None)
    if not operations:
        raise ImportFailed(Failure("nothing_to_import", _why_nothing(location, found, skipped, include)))
    settings: dict[str, Json] = {
        "servers": server_urls(document, document.root.get("servers"), None, overlay.variables, overlay.server),
        "base_url": base_url or overlay.base_url,
        "include": list(include),
        "security_schemes": dict(schemes_of(document)),
    }
    title = visible(document.title).strip() or provider
    source = Source(provider, tenant_id, "openapi", location, title, settings)
    ordered = tuple(sorted(operations, key=lambda operation: operation.id))
    return ImportResult(source, ordered, tuple(Skipped(visible(one.where), visible(one.reason)) for one in skipped), title)


def _beyond_limit(skipped: list[Skipped], limit: str | None) -> list[Skipped]:
    """Return what was left out, with one line for everything that lies beyond the limit of documents."""
    if limit is None:
        return skipped
    other = [one for one in skipped if limit not in one.reason]
    return [Skipped("$ref", f"{limit}; bundle it into one document: {len(skipped) - len(other)} places need what was not read"), *other]


def _check_server(document: OpenApiDocument, wanted: str | None, location: str) -> None:
    servers = document.root.get("servers")
    named = [server for server in servers if isinstance(server, Mapping)] if isinstance(servers, list) else []
    if wanted is not None and not any(is_server(server, wanted) for server in named):
        urls = ", ".join(visible(str(server.get("url"))) for server in named[:8]) or "no server"
        raise ImportFailed(Failure("invalid_overlay", f"server: nothing of '{wanted}' is in {location}, which names {urls}"))


def _named(
    provider: str, found: Sequence[Found], overlay: Overlay, known: Sequence[Operation]
) -> Iterator[tuple[str, str, Found, Correction]]:
    """Yield (derived id, id after correction, operation, correction). Raises ImportFailed where two would share an id."""
    namings = [Naming(one.method.lower().replace("-", "_"), one.path, one.operation_id, one.answers_list, _said(one)) for one in found]
    id_by_request = {(each.binding["method"], each.binding["path"]): str(each.binding.get("derived", each.id)) for each in known}
    requests = [(one.method.upper(), one.template) for one in found]
    kept = {position: id_by_request[request] for position, request in enumerate(requests) if request in id_by_request}
    names = name_operations(provider, namings, kept)
    taken: dict[str, str] = {}
    for derived, one in zip(names, found, strict=True):
        correction = overlay.of(derived, one.where)
        name = derived
        if correction.id is not None:
            name = correction.id if correction.id.startswith(f"{provider}.") else f"{provider}.{correction.id}"
        if name in taken:
            message = f"the overlay gives the id '{name}' to {one.where}, and {taken[name]} has it already; choose another"
            raise ImportFailed(Failure("invalid_overlay", message))
        taken[name] = one.where
        yield derived, name, one, correction


def _operation(
    name: str,
    one: Found,
    document: OpenApiDocument,
    provider: str,
    tenant_id: str | None,
    correction: Correction,
    overlay: Overlay,
    common: frozenset[str],
) -> Operation:
    summary, description = _words(one, name)
    texts, arguments = (_said(one), first_sentence(description)), one.arguments.schema.get("properties", {})
    derived = access_of(one.method.lower(), name.rpartition(".")[2], one.operation_id, one.path, texts, arguments)
    access = correction.access or derived
    idempotent = is_idempotent(one.method.lower(), access) if correction.idempotent is None else correction.idempotent
    schema = one.arguments.schema if _compiles(one.arguments.schema) else ANYTHING
    answer = one.answer.schema if one.answer.schema is None or is_bearable(one.answer.schema) else None
    returns = returns_of(answer)
    summary, description = correction.summary or summary, correction.description or description
    tags = one.tags if correction.tags is None else tuple(correction.tags)
    binding = _binding(one)
    if correction.access is not None:
        binding["tier_given"] = True
    if overlay.base_urls:
        binding["base_urls"] = [place.model_dump() for place in overlay.base_urls]
    paging = paging_of(document, schema, one.answer)
    scopes = one.security.scopes if one.security.is_required else frozenset()
    is_deprecated = one.node.get("deprecated") is True
    order = order_of(one, name, common)
    signature = signature_of(name, schema, returns, order.main, order.late, order.common)
    if not (overlay.check_formats if correction.check_formats is None else correction.check_formats):
        schema = unchecked(schema)
    example = example_call(document, one.node, schema, one.arguments.body)
    relied_on: list[Json] = [name, access, idempotent, summary, description, tags, schema, answer, binding]
    relied_on += [repr(paging), sorted(scopes), is_deprecated, signature, example]
    return Operation(
        id=name,
        kind="openapi",
        provider=provider,
        tenant_id=tenant_id,
        title=_title(name, one.operation_id),
        summary=summary,
        description=description,
        access=access,
        idempotent=idempotent,
        input_schema=schema,
        output_schema=answer,
        signature=signature,
        returns=returns,
        tags=tags,
        binding=binding,
        content_hash=hashlib.sha256(orjson.dumps(relied_on, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest(),
        paging=paging,
        connection=provider if one.security.is_required else None,
        connection_scopes=scopes,
        example=example,
        deprecated=is_deprecated,
    )


def _tell_prefixes(document: OpenApiDocument, overlay: Overlay, location: str) -> None:
    """Note at the security schemes what an overlay says stands before their keys. Raises ImportFailed for a scheme that there is not."""
    schemes = schemes_of(document)
    for name, prefix in overlay.key_prefixes.items():
        if name not in schemes:
            message = f"{location}: the overlay's key_prefixes name '{name}', and there is no such security scheme"
            raise ImportFailed(Failure("invalid_overlay", message, did_you_mean=near(name, schemes)))
        document.root["components"]["securitySchemes"][name] = {**schemes[name], "x-key-prefix": prefix}


def _binding(one: Found) -> dict[str, Json]:
    """Return what the runner reads: everything of the request that the arguments do not decide."""
    binding: dict[str, Json] = {
        "method": one.method.upper(),
        "base_url": one.base_url,
        "path": one.template,
        "parameters": one.arguments.parameters,
        "body": one.arguments.body,
        "accept": one.answer.accept,
        "security": one.security.alternatives,
        "optional_security": one.security.is_optional and bool(one.security.alternatives),
        "credential_parameters": one.arguments.credential_parameters,
    }
    # Absent where nothing is declared: what was imported before stays the same.
    if headers := [*one.answer.headers, *(TOLD_OF_HEAD if one.method.upper() == "HEAD" else ())]:
        binding["response_headers"] = headers
    return binding


def _compiles(schema: Mapping[str, Json]) -> bool:
    if not is_bearable(schema):
        return False
    try:
        jsonschema_rs.validator_for(dict(schema), validate_formats=True, offline=True)
    except (ValueError, jsonschema_rs.ReferencingError):
        return False
    return True


def _said(one: Found) -> str:
    """Return what an operation's texts begin with, for its name: "" where only its operationId says something."""
    summary, description = one.node.get("summary"), one.node.get("description")
    return summary_of(summary, description, None)


def _words(one: Found, name: str) -> tuple[str, str]:
    """Return summary and description, in the document's own words where it has any."""
    summary, description = one.node.get("summary"), one.node.get("description")
    told = shortened(notes_last(description)) if isinstance(description, str) else ""
    return summary_of(summary, description, one.operation_id) or _title(name, None), told


def _title(name: str, operation_id: str | None) -> str:
    """Return an operationId in words, or the id: `crm.contacts.search` -> `Search contacts`."""
    spoken = humanised(operation_id or "")
    if spoken and len(spoken) <= MAX_TITLE_CHARS and spoken.partition(" ")[0].lower() in VERB_BY_WORD.keys() - {"post", "put", "patch"}:
        return spoken
    _, *resource, verb = name.split(".")
    words = [*words_of(verb), *(word for piece in resource for word in words_of(piece))]
    return " ".join(words).capitalize()


def _is_included(name: str, one: Found, include: Sequence[str]) -> bool:
    candidates = [name, one.path, one.where, *one.tags, *([one.operation_id] if one.operation_id else [])]
    return any(fnmatchcase(candidate, glob) for glob in include for candidate in candidates)


def _why_nothing(location: str, found: Sequence[Found], skipped: Sequence[Skipped], include: Sequence[str]) -> str:
    if found:
        return f"{location} has {len(found)} operations, and none is left by --include {' '.join(include) or '(all)'} and the overlay"
    if skipped:
        return f"{location} has no operation that can be called: {skipped[0].where}: {skipped[0].reason}"
    return f"{location} has no operations under `paths`"
