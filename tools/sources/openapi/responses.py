"""What an operation answers: the schema of its success, and which media type carries it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tools.operation import Json
from tools.sources.media_types import kind_of
from tools.sources.openapi.document import BrokenReference, OpenApiDocument
from tools.sources.openapi.schemas.convert import SchemaBundle
from tools.sources.response_headers import MAX_FIELDS, is_private

FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]{1,100}")


@dataclass(frozen=True, slots=True)
class DeclaredResponse:
    #: JSON Schema of the 2xx body; None where the document does not say or it is not JSON
    schema: dict[str, Json] | None
    #: the schema as the document has it, for reading member names
    source: Json
    accept: str
    has_link_header: bool
    #: names of the response fields that the document declares for a success, in lower case
    headers: tuple[str, ...] = ()


def answer_of(document: OpenApiDocument, operation: Mapping[str, Json]) -> DeclaredResponse:
    """Return the first success answer of an operation: 200, then the other 2xx, then 2XX, then default."""
    response = _success(document, operation.get("responses"))
    content = response.get("content")
    headers = response.get("headers")
    has_link = isinstance(headers, Mapping) and any(str(name).lower() == "link" for name in headers)
    declared = _declared_headers(document, operation.get("responses"))
    media_types = [name for name in content if isinstance(name, str)] if isinstance(content, Mapping) else []
    json_types = [name for name in media_types if kind_of(name) == "json"]
    if not json_types or not isinstance(content, Mapping):
        accept = ", ".join([*media_types[:4], "application/json;q=0.9", "*/*;q=0.5"]) if media_types else "application/json, */*;q=0.5"
        return DeclaredResponse(None, None, accept, has_link, declared)
    source = _resolved(document, content[json_types[0]]).get("schema")
    accept = json_types[0] if "*" not in json_types[0] else "application/json"
    bundle = SchemaBundle(document, "out")
    converted = bundle.convert(source) if source is not None else None
    schema = bundle.complete(converted) if isinstance(converted, dict) and converted else None
    return DeclaredResponse(schema, source, f"{accept}, */*;q=0.5", has_link, declared)


def _declared_headers(document: OpenApiDocument, responses: Json) -> tuple[str, ...]:
    """Return the response fields of every success, except those that are never shown or have a place of their own."""
    named: dict[str, None] = {}
    for status in sorted(map(str, responses)) if isinstance(responses, Mapping) else ():
        headers = _resolved(document, responses.get(status)).get("headers") if status[:1] in "23d" else None
        for name in headers if isinstance(headers, Mapping) else ():
            lower = str(name).lower()
            if FIELD_NAME.fullmatch(lower) and lower not in ("content-type", "link") and not is_private(lower):
                named[lower] = None
    return tuple(named)[:MAX_FIELDS]


def _success(document: OpenApiDocument, responses: Json) -> Mapping[str, Json]:
    if not isinstance(responses, Mapping):
        return {}
    statuses = sorted(str(status) for status in responses)
    named = [status for status in statuses if status[:1] == "2"]
    # `default` is the success only where the document names no other: elsewhere it is the error.
    answers = [_resolved(document, responses.get(status)) for status in named or ["default"]]
    return next((answer for answer in answers if answer.get("content")), answers[0])


def _resolved(document: OpenApiDocument, response: Json) -> Mapping[str, Json]:
    try:
        resolved = document.resolve(response)
    except BrokenReference:
        return {}
    return resolved if isinstance(resolved, Mapping) else {}
