"""An example call of an operation, from the examples of its document; made up only where the document has none."""

import json
from collections.abc import Iterator, Mapping

import jsonschema_rs

from tools.catalog.signature_types import resolved
from tools.json_schema.examples import FORMATS, example_of
from tools.operation import Json
from tools.plain_text import has_unseen
from tools.sources.openapi.document import BrokenReference, OpenApiDocument

MAX_EXAMPLE_CHARS = 600
#: texts that are made where a document has no example
_MADE = frozenset({"text", *(example for _said, example in FORMATS.values())})


def example_call(document: OpenApiDocument, node: Mapping[str, Json], schema: Mapping[str, Json], body: Json) -> dict[str, Json] | None:
    """Return arguments that fit `schema`, or None where there is nothing that the signature does not say as well.

    `body` is the operation's binding of its body.
    """
    properties = schema.get("properties", {})
    given = _body_example(document, node.get("requestBody"), body)
    chosen: dict[str, Json] = {}
    for name in schema.get("required", ()):
        member = properties.get(name, {})
        chosen[name] = given[name] if name in given else example_of(member, schema)
    for name, value in given.items():
        if name not in chosen and name in properties and len(chosen) < 6:
            chosen[name] = value
    if not any(name in given or _tells(properties.get(name, {}), schema, value) for name, value in chosen.items()):
        return None
    if len(str(chosen)) > MAX_EXAMPLE_CHARS or has_unseen(json.dumps(chosen, ensure_ascii=False, default=str)):
        return None
    try:
        is_valid = jsonschema_rs.validator_for(dict(schema), validate_formats=True, offline=True).is_valid(chosen)
    except (ValueError, jsonschema_rs.ReferencingError):
        return None
    return chosen if is_valid else None


def example_value(document: OpenApiDocument, node: Mapping[str, Json]) -> Json:
    """Return the first example of a parameter or media object, or None."""
    if "example" in node:
        return node["example"]
    named = node.get("examples")
    if isinstance(named, list) and named:
        return named[0]
    for example in named.values() if isinstance(named, Mapping) else ():
        try:
            resolved = document.resolve(example)
        except BrokenReference:
            continue
        if isinstance(resolved, Mapping) and "value" in resolved:
            return resolved["value"]
    return None


def _body_example(document: OpenApiDocument, request_body: Json, binding: Json) -> dict[str, Json]:
    """Return example values by argument from the example of the request body that `binding` sends."""
    if not isinstance(binding, Mapping):
        return {}
    try:
        body = document.resolve(request_body)
        media = body["content"][binding["media_type"]] if isinstance(body, Mapping) else {}
        value = example_value(document, media) if isinstance(media, Mapping) else None
        schema = document.resolve(media.get("schema")) if isinstance(media, Mapping) else None
    except (BrokenReference, KeyError):
        return {}
    if value is None and isinstance(schema, Mapping):
        value = example_value(document, schema)
    if binding.get("argument"):
        return {} if value is None or binding["kind"] == "bytes" else {binding["argument"]: value}
    fields = binding.get("fields", {})
    files = binding.get("files", {})
    return {name: value[name] for name in fields if name in value and name not in files} if isinstance(value, Mapping) else {}


def _tells(member: Json, schema: Mapping[str, Json], value: Json) -> bool:
    """Say whether a value is more than words made of its types: the signature says as much."""
    part = resolved(member, schema.get("$defs", {}))
    if isinstance(part, Mapping) and not {"example", "examples"}.isdisjoint(part):
        return True
    return isinstance(value, dict | list) and any(leaf not in _MADE for leaf in _leaves(value))


def _leaves(value: Json) -> Iterator[str]:
    for member in value.values() if isinstance(value, dict) else value:
        if isinstance(member, dict | list):
            yield from _leaves(member)
        elif isinstance(member, str):
            yield member
