"""Members of a body that carry files: how a document says so, and how callers give them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tools.operation import Json
from tools.sources.media_types import kind_of
from tools.sources.openapi.document import BrokenReference, OpenApiDocument
from tools.sources.openapi.schemas.convert import SchemaBundle
from tools.sources.openapi.schemas.keywords import shortened, types_of

#: what a field takes. `mixed`: files, and other values too; `named`: those other values may be text, so a file is an object there
FileKind = Literal["one", "many", "mixed", "named"]

_NAMED = {"filename": {"type": "string"}, "media_type": {"type": "string", "pattern": r"^[\w.+-]+/[\w.+-]+(;.*)?$"}}
SOURCES: Mapping[str, Json] = {
    "text": {"type": "string"},
    "base64": {"type": "string", "contentEncoding": "base64"},
    "handle": {"type": "string"},
}
_OBJECTS: list[Json] = [
    {"type": "object", "properties": {source: schema, **_NAMED}, "required": [source], "additionalProperties": False}
    for source, schema in SOURCES.items()
]
FILE: dict[str, Json] = {
    "description": "a file: {base64} or {text}, or {handle} of an earlier result; with filename and media_type where they matter;"
    " plain text is sent as it stands",
    "anyOf": [{"type": "string", "contentEncoding": "base64"}, *_OBJECTS],
}
#: contentEncoding (RFC 2045 §6.1) that leaves the bytes as they are
_IDENTITY = frozenset({"binary", "7bit", "8bit"})
_TEXTUAL = frozenset({"text/plain"})
#: words beside which a schema says nothing of its values: a part of any kind (OpenAPI 3.1 §4.8.14.3)
_WORDS = frozenset(
    ["title", "description", "deprecated", "readOnly", "writeOnly", "externalDocs", "$comment", "contentMediaType", "contentEncoding"]
)


@dataclass(frozen=True, slots=True)
class FileField:
    """A field that takes files. `others` are the schemas of what else it takes, `encoding` what its bytes are written in."""

    is_single: bool = False
    is_list: bool = False
    others: list[Json] = field(default_factory=list)
    encoding: str | None = None

    def kind(self, document: OpenApiDocument) -> FileKind:
        """Return how a value of this field is told to be a file."""
        if any(_takes_text(document, other) for other in self.others):
            return "named"
        return "mixed" if self.others or (self.is_single and self.is_list) else "many" if self.is_list else "one"


def file_field(document: OpenApiDocument, schema: Json) -> FileField | None:
    """Return what files a field of a multipart body takes, or None where it takes none."""
    try:
        schema = document.resolve(schema)
        if not isinstance(schema, Mapping):
            return None
        branches = next((schema[word] for word in ("anyOf", "oneOf") if isinstance(schema.get(word), list)), None)
        if branches is not None:
            return _of_branches(document, branches)
        if types_of(schema) == ["array"]:
            items = document.resolve(schema.get("items", {}))
            return FileField(is_list=True) if isinstance(items, Mapping) and _is_binary(document, items) else None
    except BrokenReference:
        return None
    if not _is_binary(document, schema):
        return None
    encoding = schema.get("contentEncoding")
    if isinstance(encoding, str) and encoding.lower() not in _IDENTITY:
        # Its text is the encoded bytes already; as a file they are encoded here.
        return FileField(is_single=True, others=[schema], encoding=encoding)
    return FileField(is_single=True)


def _of_branches(document: OpenApiDocument, branches: list[Json]) -> FileField | None:
    is_single, is_list, others = False, False, []
    for branch in branches:
        resolved = document.resolve(branch)
        # An open branch among others is no file: it says nothing at all.
        found = file_field(document, branch) if isinstance(resolved, Mapping) and _tells(resolved) else None
        if found is None:
            others.append(branch)
            continue
        is_single, is_list, others = is_single or found.is_single, is_list or found.is_list, others + found.others
    return FileField(is_single, is_list, others) if is_single or is_list else None


def file_schema(document: OpenApiDocument, bundle: SchemaBundle, member: Json, found: FileField) -> dict[str, Json]:
    """Return the schema of an argument for `found`, which `member` of a body describes."""
    schema: dict[str, Json] = {"description": FILE["description"], "anyOf": []}
    if found.is_single:
        schema["anyOf"] += FILE["anyOf"] if found.kind(document) != "named" else _OBJECTS
    if found.is_list:
        schema["anyOf"].append({"type": "array", "items": dict(FILE)})
    schema["anyOf"] += [bundle.convert(other) for other in found.others]
    if schema["anyOf"] == [{"type": "array", "items": FILE}]:
        schema = {"type": "array", "items": dict(FILE)}
    resolved = document.resolve(member)
    description = resolved.get("description") if isinstance(resolved, Mapping) else None
    if isinstance(description, str) and description.strip():
        schema["description"] = f"{shortened(description)} ({FILE['description']})"
    return schema


def _is_binary(document: OpenApiDocument, schema: Mapping[str, Json]) -> bool:
    if schema.get("format") == "binary" or schema.get("type") == "file":
        return True
    if document.version != "3.1" or types_of(schema) not in ([], ["string"], ["string", "null"], ["null", "string"]):
        return False
    media_type, encoding = schema.get("contentMediaType"), schema.get("contentEncoding")
    if isinstance(media_type, str):
        bare = media_type.split(";")[0].strip().lower()
        return kind_of(bare) != "json" and bare not in _TEXTUAL
    if isinstance(encoding, str):
        return True
    return not _tells(schema)


def _tells(schema: Mapping[str, Json]) -> bool:
    return any(word not in _WORDS and not word.startswith("x-") for word in schema)


def _takes_text(document: OpenApiDocument, schema: Json) -> bool:
    resolved = document.resolve(schema)
    if not isinstance(resolved, Mapping):
        return True
    branches = next((resolved[word] for word in ("anyOf", "oneOf") if isinstance(resolved.get(word), list)), None)
    if branches is not None:
        return any(_takes_text(document, branch) for branch in branches)
    types = types_of(resolved)
    return "string" in types or (not types and not {"properties", "items", "allOf"} & resolved.keys())
