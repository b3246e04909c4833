"""Operation -> Document: what the capability index reads of an operation, whatever brought it."""

from collections.abc import Iterable

from capability_index.documents import Document, ParameterText
from tools.operation import Operation
from tools.policy import reenters

SHARED_SEGMENT = "*"
#: always in front of the model, so finding it would be a place wasted
_ALWAYS_ON = frozenset({"discover_apis", "call_api", "batch_execute"})


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
        description=operation.description,
        parameters=tuple(ParameterText(name, _words(member)) for name, member in properties.items()),
        tags=operation.tags,
        provider=operation.provider,
        path=str(operation.binding.get("path", operation.id)),
        returns=operation.returns,
        examples=tuple(operation.binding.get("examples", ())),
        content_hash=operation.content_hash,
    )


def documents_of(operations: Iterable[Operation]) -> list[Document]:
    """Return the documents of all operations that need finding."""
    return [document_of(operation) for operation in operations if operation.id not in _ALWAYS_ON and not reenters(operation)]


def _words(schema: object) -> str:
    return str(schema.get("description") or "") if isinstance(schema, dict) else ""
