"""Import an OpenAPI document: each of its operations becomes one of ours, and what cannot is reported with the reason."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import orjson

from tools.naming import Naming, name_operations, words_of
from tools.operation import Json, Operation
from tools.providers.openapi_access import access_of, is_idempotent
from tools.providers.openapi_answers import Answer, answer_of
from tools.providers.openapi_arguments import Arguments, UnusableOperation, merge_parameters, plan_arguments
from tools.providers.openapi_document import BrokenReference, OpenApiDocument, read_document, refused
from tools.providers.openapi_paging import items_of, paging_of
from tools.providers.openapi_schema import shortened
from tools.providers.openapi_security import Security, schemes_of, security_of
from tools.providers.openapi_servers import server_urls
from tools.providers.openapi_swagger import METHODS, upgrade
from tools.signatures import returns_of, signature_of
from tools.stores import Source

MAX_SUMMARY_CHARS = 160


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something of the document that did not come in, or came in with less than it says."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImportResult:
    source: Source
    operations: tuple[Operation, ...]
    skipped: tuple[Skipped, ...]
    title: str


@dataclass(frozen=True, slots=True)
class _Found:
    """One operation as the document has it, read but not yet named."""

    method: str
    path: str
    node: Mapping[str, Json]
    base_url: str
    arguments: Arguments
    answer: Answer
    security: Security
    answers_list: bool

    @property
    def where(self) -> str:
        return f"{self.method.upper()} {self.path}"


def import_document(
    raw: bytes,
    *,
    provider: str,
    tenant_id: str | None,
    location: str,
    base_url: str | None = None,
    include: Sequence[str] = (),
    externals: Mapping[str, bytes] | None = None,
) -> ImportResult:
    """Return the operations of a document and a report of what was left out. Raises ImportFailed where nothing can come of it.

    `include` are globs on operation id, operationId, path, `METHOD path` or tag; none means all. `externals` are the
    documents that this one refers to, by absolute location.
    """
    document = upgrade(read_document(raw, location, externals))
    skipped: list[Skipped] = []
    found = _read_operations(document, base_url, skipped)
    names = name_operations(provider, [_naming(one) for one in found])
    operations = []
    for name, one in sorted(zip(names, found, strict=True), key=lambda pair: pair[0]):
        if include and not _is_included(name, one, include):
            continue
        operations.append(_operation(name, one, document, provider, tenant_id))
        skipped += [Skipped(one.where, f"{reason}; anything is accepted there") for reason in dict.fromkeys(one.arguments.broken)]
    if not operations:
        raise refused(_why_nothing(location, found, skipped, include))
    source = Source(
        provider=provider,
        tenant_id=tenant_id,
        kind="openapi",
        location=location,
        title=document.title or provider,
        settings={
            "servers": server_urls(document, document.root.get("servers"), None),
            "base_url": base_url,
            "include": list(include),
            "security_schemes": dict(schemes_of(document)),
        },
    )
    return ImportResult(source, tuple(operations), tuple(skipped), document.title or provider)


def _read_operations(document: OpenApiDocument, base_url: str | None, skipped: list[Skipped]) -> list[_Found]:
    paths = document.root.get("paths")
    found: list[_Found] = []
    for path, item in paths.items() if isinstance(paths, Mapping) else ():
        if path.startswith("x-"):
            continue
        try:
            item = document.resolve(item)
        except BrokenReference as error:
            skipped.append(Skipped(path, str(error)))
            continue
        if not isinstance(item, Mapping):
            skipped.append(Skipped(path, "the path item is not an object"))
            continue
        for method in METHODS:
            if method not in item:
                continue
            try:
                found.append(_read_operation(document, base_url, method, path, item))
            except (UnusableOperation, BrokenReference) as error:
                skipped.append(Skipped(f"{method.upper()} {path}", str(error)))
    return found


def _read_operation(document: OpenApiDocument, base_url: str | None, method: str, path: str, item: Mapping[str, Json]) -> _Found:
    node = document.resolve(item[method])
    if not isinstance(node, Mapping):
        raise UnusableOperation("the operation is not an object")
    servers = node.get("servers") or item.get("servers") or document.root.get("servers")
    urls = server_urls(document, servers, base_url)
    if not urls:
        raise UnusableOperation("its server has no absolute http(s) address; name one with --base-url")
    security = security_of(document, node)
    parameters = merge_parameters(document, item.get("parameters"), node.get("parameters"))
    arguments = plan_arguments(document, path, parameters, node.get("requestBody"), is_secured=bool(security.alternatives))
    answer = answer_of(document, node)
    answers_list = items_of(document, answer.source) is not None
    return _Found(method, path, node, urls[0], arguments, answer, security, answers_list)


def _naming(one: _Found) -> Naming:
    operation_id = one.node.get("operationId")
    return Naming(one.method, one.path, operation_id if isinstance(operation_id, str) else None, one.answers_list)


def _operation(name: str, one: _Found, document: OpenApiDocument, provider: str, tenant_id: str | None) -> Operation:
    verb = name.rpartition(".")[2]
    operation_id = one.node.get("operationId")
    access = access_of(one.method, verb, operation_id if isinstance(operation_id, str) else None)
    returns = returns_of(one.answer.schema)
    summary, description = _words(one, name)
    binding: dict[str, Json] = {
        "method": one.method.upper(),
        "base_url": one.base_url,
        "path": one.path,
        "parameters": one.arguments.parameters,
        "body": one.arguments.body,
        "accept": one.answer.accept,
        "security": one.security.alternatives,
        "optional_security": one.security.is_optional,
        "credential_parameters": one.arguments.credential_parameters,
        "provider": provider,
    }
    paging = paging_of(document, one.arguments.schema, one.answer)
    signature = signature_of(name, one.arguments.schema, returns)
    relied_on: list[Json] = [name, access, summary, description, one.arguments.schema, one.answer.schema, binding]
    relied_on += [repr(paging), sorted(one.security.scopes), one.node.get("deprecated") is True]
    return Operation(
        id=name,
        kind="openapi",
        provider=provider,
        tenant_id=tenant_id,
        title=_title(name),
        summary=summary,
        description=description,
        access=access,
        idempotent=is_idempotent(one.method, access),
        input_schema=one.arguments.schema,
        output_schema=one.answer.schema,
        signature=signature,
        returns=returns,
        tags=_tags(one.node),
        binding=binding,
        content_hash=hashlib.sha256(orjson.dumps(relied_on, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest(),
        paging=paging,
        connection=provider if one.security.is_required else None,
        connection_scopes=one.security.scopes if one.security.is_required else frozenset(),
        deprecated=one.node.get("deprecated") is True,
    )


def _words(one: _Found, name: str) -> tuple[str, str]:
    """Return summary and description; where the document has no summary, the first sentence of the description."""
    summary, description = one.node.get("summary"), one.node.get("description")
    description = shortened(description) if isinstance(description, str) else ""
    if isinstance(summary, str) and summary.strip():
        return " ".join(summary.split())[:MAX_SUMMARY_CHARS], description
    first = description.partition(". ")[0].rstrip(".")
    return (first or _title(name))[:MAX_SUMMARY_CHARS], description


def _title(name: str) -> str:
    """Return an id in words: `crm.contacts.search` -> `Search contacts`."""
    _, *resource, verb = name.split(".")
    words = [*words_of(verb), *(word for piece in resource for word in words_of(piece))]
    return " ".join(words).capitalize()


def _tags(node: Mapping[str, Json]) -> tuple[str, ...]:
    tags = node.get("tags")
    return tuple(dict.fromkeys(tag for tag in tags if isinstance(tag, str))) if isinstance(tags, list) else ()


def _is_included(name: str, one: _Found, include: Sequence[str]) -> bool:
    operation_id = one.node.get("operationId")
    candidates = [name, one.path, one.where, *_tags(one.node), *([operation_id] if isinstance(operation_id, str) else [])]
    return any(fnmatchcase(candidate, glob) for glob in include for candidate in candidates)


def _why_nothing(location: str, found: Sequence[_Found], skipped: Sequence[Skipped], include: Sequence[str]) -> str:
    if found:
        return f"{location} has {len(found)} operations, and none matches --include {' '.join(include)}"
    if skipped:
        return f"{location} has no operation that can be called: {skipped[0].where}: {skipped[0].reason}"
    return f"{location} has no operations under `paths`"
