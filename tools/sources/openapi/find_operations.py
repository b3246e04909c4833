"""The operations of a document as they stand there, read whole but not yet named."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tools.operation import Json
from tools.plain_text import visible
from tools.sources.openapi.arguments import FIELD_NAME, Arguments, merge_parameters, plan_arguments
from tools.sources.openapi.bodies.media_types import UnusableOperation
from tools.sources.openapi.document import BrokenReference, OpenApiDocument
from tools.sources.openapi.overlay import Overlay
from tools.sources.openapi.paging import items_of
from tools.sources.openapi.paths import plain_path, query_names_of, reserved_names_of
from tools.sources.openapi.responses import DeclaredResponse, answer_of
from tools.sources.openapi.security import Security, security_of
from tools.sources.openapi.servers import server_urls
from tools.sources.openapi.swagger import METHODS

#: CONNECT opens a tunnel; it is no request to a resource (RFC 9110 §9.3.6)
UNSENDABLE = frozenset({"connect"})
#: what reading a node of the wrong kind raises: one such operation must not keep the others out
MALFORMED = (TypeError, ValueError, KeyError, AttributeError, IndexError, RecursionError)


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something of a document that did not come in, or came in with less than it says."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """One operation of a document: its node, and what was read from it."""

    method: str
    #: as the document has it
    path: str
    #: the same with plain placeholders, for making URLs
    template: str
    node: Mapping[str, Json]
    base_url: str
    arguments: Arguments
    answer: DeclaredResponse
    security: Security
    answers_list: bool

    @property
    def where(self) -> str:
        return f"{self.method.upper()} {visible(self.path)}"

    @property
    def operation_id(self) -> str | None:
        named = self.node.get("operationId")
        return named if isinstance(named, str) and named.strip() else None

    @property
    def tags(self) -> tuple[str, ...]:
        tags = self.node.get("tags")
        return tuple(dict.fromkeys(visible(tag) for tag in tags if isinstance(tag, str))) if isinstance(tags, list) else ()


def find_operations(document: OpenApiDocument, base_url: str | None, overlay: Overlay) -> Iterator[Found | Skipped]:
    """Yield every operation under `paths`, and in place of one that cannot be called the reason."""
    paths = document.root.get("paths")
    for path, item in paths.items() if isinstance(paths, Mapping) else ():
        if path.startswith("x-"):
            continue
        try:
            item = document.resolve(item)
        except BrokenReference as error:
            yield Skipped(path, str(error))
            continue
        if not isinstance(item, Mapping):
            yield Skipped(path, "the path item is not an object")
            continue
        for method, node in _methods_of(item):
            try:
                if not FIELD_NAME.fullmatch(method) or method.lower() in UNSENDABLE:
                    raise UnusableOperation(f"{visible(method)[:40]} is no method of a request to a resource")
                yield _read(document, base_url, overlay, method, path, item, node)
            except (UnusableOperation, BrokenReference) as error:
                yield Skipped(f"{method.upper()} {path}", str(error))
            except MALFORMED as error:
                yield Skipped(
                    f"{method.upper()} {path}", f"it is malformed in a way that is not understood: {type(error).__name__}: {error}"
                )


def _methods_of(item: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    """Yield the operations of a path by method; those beyond HTTP's own have one map for all (OpenAPI 3.2, Path Item Object)."""
    for method in (*METHODS, "query"):
        if method in item:
            yield method, item[method]
    further = item.get("additionalOperations")
    for method, node in further.items() if isinstance(further, Mapping) else ():
        if method.lower() not in item:
            yield method, node


def _read(
    document: OpenApiDocument, base_url: str | None, overlay: Overlay, method: str, path: str, item: Mapping[str, Json], node: Json
) -> Found:
    node = document.resolve(node)
    if not isinstance(node, Mapping):
        raise UnusableOperation("the operation is not an object")
    servers = node.get("servers") or item.get("servers") or document.root.get("servers")
    urls = server_urls(document, servers, base_url or overlay.base_url, overlay.variables, overlay.server)
    if not urls:
        raise UnusableOperation("its server has no absolute http(s) address; name one with --base-url")
    security = security_of(document, node)
    parameters = merge_parameters(document, item.get("parameters"), node.get("parameters"))
    names = {place: [str(one["name"]) for one in parameters if one["in"] == place] for place in ("path", "query")}
    untold = [name for name in query_names_of(path) if name not in names["query"]]
    parameters += [{"name": name, "in": "query", "schema": {}} for name in untold]
    several = reserved_names_of(path)
    parameters = [{**one, "allowReserved": True} if one["in"] == "path" and one["name"] in several else one for one in parameters]
    template = plain_path(path, names["path"], names["query"])
    arguments = plan_arguments(document, template, parameters, node.get("requestBody"), security)
    answer = answer_of(document, node)
    return Found(method, path, template, node, urls[0], arguments, answer, security, items_of(document, answer.source) is not None)
