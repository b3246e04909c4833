"""The stub's parser of parameters and bodies: what stands in a request, back to values. The reverse of the serialiser, apart from it."""

import contextlib
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, unquote_plus

from tests.tools.sources.openapi.stub_document import StubDocument, StubParameter


class NotParsable(Exception):
    pass


def split_pairs(query: str) -> list[tuple[str, str]]:
    """Return raw (name, value) pairs; names decoded, values still percent-encoded."""
    return [(unquote_plus(name), value) for name, _, value in (pair.partition("=") for pair in query.split("&") if pair)]


def shapes_of(document: StubDocument, schema: Any, depth: int = 0) -> set[str]:
    """Return which of object, array, plain a schema allows."""
    schema = document.deref(schema)
    if not isinstance(schema, Mapping) or depth > 6:
        return {"plain"}
    named = schema.get("type")
    types = set(named) if isinstance(named, list) else {named} if named else set()
    found = {"array" if kind == "array" else "object" if kind == "object" else "plain" for kind in types}
    for keyword in ("anyOf", "oneOf", "allOf"):
        for member in schema.get(keyword, []):
            found |= shapes_of(document, member, depth + 1)
    if not found:
        found = {"object"} if "properties" in schema else {"array"} if "items" in schema else {"plain"}
    return found


def member_schema(document: StubDocument, schema: Any, name: str) -> Any:
    schema = document.deref(schema)
    if not isinstance(schema, Mapping):
        return {}
    if name in schema.get("properties", {}):
        return schema["properties"][name]
    for keyword in ("allOf", "anyOf", "oneOf"):
        for member in schema.get(keyword, []):
            found = member_schema(document, member, name)
            if found != {}:
                return found
    extra = schema.get("additionalProperties")
    return extra if isinstance(extra, Mapping) else {}


def item_schema(document: StubDocument, schema: Any) -> Any:
    schema = document.deref(schema)
    if not isinstance(schema, Mapping):
        return {}
    if "items" in schema:
        return schema["items"]
    for keyword in ("allOf", "anyOf", "oneOf"):
        for member in schema.get(keyword, []):
            found = item_schema(document, member)
            if found != {}:
                return found
    return {}


def leaf(document: StubDocument, schema: Any, text: str) -> Any:
    """Return a plain value from its text: the reading that the schema accepts, else the text."""
    readings: list[Any] = []
    if text in ("true", "false"):
        readings.append(text == "true")
    if re.fullmatch(r"-?\d+", text):
        readings.append(int(text))
    elif re.fullmatch(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", text):
        readings.append(float(text))
    if text == "":
        readings.append(None)
    if text[:1] in ("{", "["):
        with contextlib.suppress(ValueError):
            readings.append(json.loads(text))
    for reading in [text, *readings]:
        if not document.faults(schema, reading, ""):
            return reading
    return text


def parse_path(document: StubDocument, parameter: StubParameter, raw: str) -> Any:
    return _first_valid(document, parameter, lambda shape: _path_value(document, parameter, raw, shape))


def parse_header(document: StubDocument, parameter: StubParameter, raw: str) -> Any:
    def read(shape: str) -> Any:
        if shape == "plain":
            return leaf(document, parameter.schema, raw)
        return _delimited(document, parameter, raw, shape, ",")

    return _first_valid(document, parameter, read)


def parse_query(
    document: StubDocument, parameter: StubParameter, pairs: list[tuple[str, str]], known: set[str]
) -> tuple[bool, Any, set[str]]:
    """Return (is it there, its value, the names it took) from raw pairs."""
    if parameter.style == "deepObject" or (parameter.style == "form" and any(name.startswith(f"{parameter.name}[") for name, _ in pairs)):
        taken = {name for name, _ in pairs if name.startswith(f"{parameter.name}[") and name not in known}
        if taken:
            return True, _deep(document, parameter, [(n, v) for n, v in pairs if n in taken]), taken
    values = [value for name, value in pairs if name == parameter.name]
    shapes = shapes_of(document, parameter.schema)
    if parameter.media_type is not None:
        return (True, json.loads(unquote_plus(values[0])), {parameter.name}) if values else (False, None, set())
    if not values and parameter.style == "form" and parameter.explode and "object" in shapes:
        mine = [(name, value) for name, value in pairs if name not in known and name.split("[")[0] not in known]
        if mine:
            value = {name: leaf(document, member_schema(document, parameter.schema, name), unquote_plus(raw)) for name, raw in mine}
            return True, value, {name for name, _ in mine}
        return False, None, set()
    if not values:
        return False, None, set()

    def read(shape: str) -> Any:
        if shape == "plain":
            if len(values) > 1:
                raise NotParsable(f"{parameter.name} is there {len(values)} times")
            return leaf(document, parameter.schema, unquote_plus(values[0]))
        if shape == "array" and parameter.explode:
            items = item_schema(document, parameter.schema)
            return [leaf(document, items, unquote_plus(value)) for value in values]
        separator = {"spaceDelimited": "%20", "pipeDelimited": "%7C"}.get(parameter.style, ",")
        return _delimited(document, parameter, values[0], shape, separator)

    return True, _first_valid(document, parameter, read), {parameter.name}


def parse_cookies(document: StubDocument, parameter: StubParameter, header: str, known: set[str]) -> tuple[bool, Any]:
    pairs = split_pairs("&".join(part.strip() for part in header.split(";")))
    there, value, _ = parse_query(document, parameter, pairs, known)
    return there, value


def _path_value(document: StubDocument, parameter: StubParameter, raw: str, shape: str) -> Any:
    name = parameter.name
    if parameter.media_type is not None:
        return json.loads(unquote(raw))
    if parameter.style == "label":
        if not raw.startswith("."):
            raise NotParsable(f"{raw!r} is not label style")
        return _delimited(document, parameter, raw[1:], shape, "." if parameter.explode else ",")
    if parameter.style == "matrix":
        parts = raw.split(";")[1:]
        if not parts or raw[0] != ";":
            raise NotParsable(f"{raw!r} is not matrix style")
        if shape == "array" and parameter.explode:
            if any(part.split("=")[0] != name for part in parts):
                raise NotParsable(f"{raw!r} is not {name}")
            return [leaf(document, item_schema(document, parameter.schema), unquote(part.partition("=")[2])) for part in parts]
        if shape == "object" and parameter.explode:
            return _delimited(document, parameter, ";".join(parts), shape, ";")
        if len(parts) != 1 or not parts[0].startswith(f"{name}="):
            raise NotParsable(f"{raw!r} is not {name}")
        return _delimited(document, parameter, parts[0][len(name) + 1 :], shape, ",", flat=True)
    return _delimited(document, parameter, raw, shape, ",")


def _delimited(document: StubDocument, parameter: StubParameter, raw: str, shape: str, separator: str, *, flat: bool = False) -> Any:
    decode = unquote
    if shape == "plain":
        return leaf(document, parameter.schema, decode(raw))
    parts = raw.split(separator)
    if shape == "array":
        return [leaf(document, item_schema(document, parameter.schema), decode(part)) for part in parts]
    explode = parameter.explode and parameter.style in ("simple", "label", "matrix") and not flat
    if explode:
        pairs = [part.partition("=")[::2] for part in parts]
    else:
        if len(parts) % 2:
            raise NotParsable(f"{raw!r} has no pairs")
        pairs = list(zip(parts[::2], parts[1::2], strict=True))
    return {decode(key): leaf(document, member_schema(document, parameter.schema, decode(key)), decode(value)) for key, value in pairs}


def _deep(document: StubDocument, parameter: StubParameter, pairs: list[tuple[str, str]]) -> Any:
    root: Any = [] if pairs and pairs[0][0].endswith(f"{parameter.name}[]") else {}
    for name, raw in pairs:
        keys = re.findall(r"\[([^\]]*)\]", name)
        node: Any = root
        schema = parameter.schema
        for position, key in enumerate(keys):
            last = position == len(keys) - 1
            schema = item_schema(document, schema) if key == "" else member_schema(document, schema, key) or item_schema(document, schema)
            if key == "":
                node.append(leaf(document, schema, unquote_plus(raw)))
                break
            if last:
                node[key] = leaf(document, schema, unquote_plus(raw))
            else:
                node = node.setdefault(key, [] if keys[position + 1] == "" else {})
    return _lists(root)


def _lists(node: Any) -> Any:
    if isinstance(node, dict):
        if node and all(key.isdigit() for key in node):
            return [_lists(node[key]) for key in sorted(node, key=int)]
        return {key: _lists(value) for key, value in node.items()}
    return node


def _first_valid(document: StubDocument, parameter: StubParameter, read: Any) -> Any:
    failures: list[str] = []
    value: Any = None
    found = False
    for shape in sorted(shapes_of(document, parameter.schema), key=["object", "array", "plain"].index):
        try:
            value = read(shape)
        except (NotParsable, ValueError) as error:
            failures.append(str(error))
            continue
        found = True
        if not document.faults(parameter.schema, value, ""):
            return value
    if not found:
        raise NotParsable("; ".join(failures))
    return value
