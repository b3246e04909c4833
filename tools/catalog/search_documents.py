"""Operation -> Document: what the capability index reads of an operation, whatever brought it."""

from collections.abc import Iterable, Iterator, Mapping

from capability_index.documents import Document, ParameterText
from tools.catalog.sentences import without_notes
from tools.operation import Json, Operation

SHARED_SEGMENT = "*"
#: always in front of the model, so finding it would be a place wasted
_ALWAYS_ON = frozenset({"discover_apis", "call_api", "batch_execute"})
_OF_GATEWAY = frozenset({"mcp", "gateway"})
#: an enumeration of countries or currencies must not drown what else is said of an operation
MAX_CHOICES = 24
MAX_CHOICES_CHARS = 240
#: of callbacks; as words they would make everything fit "get" and "post"
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


def segment_of(operation: Operation) -> str:
    """Return the index segment of an operation: its tenant, or the one that all tenants see."""
    return operation.tenant_id or SHARED_SEGMENT


def document_of(operation: Operation) -> Document:
    """Return what `operation` is good for, in words."""
    properties = operation.input_schema.get("properties", {})
    return Document(
        slug=operation.id,
        title=operation.title,
        summary=operation.summary,
        description=without_notes(operation.description),
        parameters=tuple(ParameterText(name, _words(member)) for name, member in properties.items()),
        tags=operation.tags,
        provider=operation.provider,
        path=str(operation.binding.get("path", operation.id)),
        returns=operation.returns,
        examples=tuple(operation.binding.get("examples", ())),
        content_hash=operation.content_hash,
        method=str(operation.binding.get("method") or "").upper(),
        access=operation.access,
        # What has a scope of its own, like context:read, is about the tenant's affairs and not about the gateway.
        is_own=operation.kind == "builtin" and operation.required_scope.partition(":")[0] in _OF_GATEWAY,
    )


def documents_of(operations: Iterable[Operation]) -> list[Document]:
    """Return the documents of all operations that need finding."""
    return [document_of(operation) for operation in operations if operation.id not in _ALWAYS_ON and not operation.reenters]


def _words(schema: object) -> str:
    """Return what a parameter is said to be, and what it may be: people search for `refunded`, not for `status`."""
    if not isinstance(schema, Mapping):
        return ""
    description = str(schema.get("description") or "")
    return f"{description} {_choices(schema)}".strip()


def _choices(schema: Mapping[str, Json]) -> str:
    chosen: dict[str, None] = {}
    length = 0
    for value in _enumerated(schema):
        length += len(value) + len(", ")
        if len(chosen) == MAX_CHOICES or length > MAX_CHOICES_CHARS:
            break
        chosen[value] = None
    return ", ".join(chosen)


def _enumerated(schema: Mapping[str, Json]) -> Iterator[str]:
    """Yield the words that a value may be: of the schema itself, of a list's items, of its alternatives."""
    parts = [schema, schema.get("items"), *(one for word in ("anyOf", "oneOf") for one in schema.get(word) or ())]
    for part in parts:
        if isinstance(part, Mapping):
            values = part.get("enum")
            yield from (value for value in (values if isinstance(values, list) else ()) if isinstance(value, str) and value not in _METHODS)
            if isinstance(part.get("const"), str):
                yield part["const"]
