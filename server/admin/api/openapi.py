"""The OpenAPI document of `/admin/api`, made from the declarations: what is administered is said once (decision 0067)."""

from collections.abc import Mapping, Sequence

from oauth.administration.roles import Role
from oauth.services.machine import ADMIN_SCOPES, scope_of
from server.admin.api.changes import ADD
from server.admin.api.plain_routes import PlainRoute, paths_of
from server.admin.lists.list_query import DEFAULT_LIMIT, MAX_LIMIT
from server.admin.resource import VERSION, Change, Column, Field, Filter, Resource
from server.identity import TITLE
from server.identity import VERSION as PRODUCT_VERSION
from tools.operation import Json

PREFIX = "/admin/api"
_SCHEME = "machines"
_WORDS = dict(zip(ADMIN_SCOPES, ("Read and export.", "Act, but give nobody a way in.", "Everything."), strict=True))
_NUMBERS = frozenset({"number", "duration_ms", "money_nano_usd", "bytes", "share"})
_MEANINGS = {
    "duration_ms": "Milliseconds.",
    "money_nano_usd": "Billionths of a US dollar.",
    "bytes": "Bytes.",
    "share": "From 0 to 1.",
}
_SPAN = (
    ("range", "How long ago until now: 90m, 24h, 7d, 4w."),
    ("from", "From when, in place of range: a date or a time, ISO 8601, UTC where it names no zone."),
    ("to", "Until when; now where it is left out."),
)


def openapi_document(resources: Sequence[Resource], origin: str, token_url: str, others: Sequence[PlainRoute] = ()) -> dict[str, Json]:
    """Return the document (OpenAPI 3.1.0). origin: of the administration; `token_url`: where machines get tokens."""
    paths: dict[str, dict[str, Json]] = {}
    for resource in resources:
        _add_paths(paths, resource)
    paths |= paths_of(others, PREFIX, _SCHEME)
    flow = {"tokenUrl": token_url, "scopes": dict(_WORDS)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{TITLE} administration",
            "version": PRODUCT_VERSION,
            "description": "What is administered: lists by the page, things by their key, and changes, each on the audit trail.",
        },
        "servers": [{"url": origin}],
        "paths": paths,
        "components": {
            "schemas": {"Error": _ERROR, **{_schema_name(each): _row_schema(each) for each in resources}},
            "responses": {"Refused": {"description": "What is wrong, and the way out.", "content": _json(_ref("Error"))}},
            "securitySchemes": {_SCHEME: {"type": "oauth2", "flows": {"clientCredentials": flow}}},
        },
        "tags": [
            *({"name": each.name, "description": each.about or each.title} for each in resources),
            *({"name": name} for name in dict.fromkeys(each.name.partition(".")[0] for each in others)),
        ],
    }


def _add_paths(paths: dict[str, dict[str, Json]], resource: Resource) -> None:
    whole, one = f"{PREFIX}/{resource.name}", f"{PREFIX}/{resource.name}/{{key}}"
    key = _parameter("key", f"The {resource.key} of a row of the list.", {"type": "string"}, place="path", is_required=True)
    paths[whole] = {"get": _list(resource)}
    if resource.one is not None:
        found = {"description": "It, with all there is to show.", "content": _json(_row_of(resource))}
        paths[one] = {
            "parameters": [key],
            "get": _operation(resource, "get", f"Show one of {resource.name}.", resource.least, found),
        }
    for change in resource.changes:
        if change.is_of_list:
            path = whole if change.name == ADD else f"{whole}/{change.name}"
            paths.setdefault(path, {})
        else:
            path = one if change.method != "POST" else f"{one}/{change.name}"
            paths.setdefault(path, {"parameters": [key]})
        paths[path][change.method.lower()] = _change(resource, change)


def _list(resource: Resource) -> dict[str, Json]:
    asked = [
        _parameter("limit", f"Rows of a page, else {DEFAULT_LIMIT}.", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}),
        _parameter("cursor", "next_cursor of the page before.", {"type": "string"}),
        _parameter("count", "1: say how many there are, to 10,000.", {"type": "integer", "enum": [0, 1]}),
        _parameter("tenant", "Of this tenant only.", {"type": "string"}),
        *(_parameter(name, words, {"type": "string"}) for name, words in _SPAN if resource.default_range),
        *(_parameter(each.name, each.title, _filter_schema(each)) for each in resource.filters),
    ]
    rows = {
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": _row_of(resource)},
            "next_cursor": {"type": ["string", "null"], "description": "null: this was the last page."},
            "count": {"type": "integer"},
            "count_is_all": {"type": "boolean"},
        },
        "required": ["items", "next_cursor"],
    }
    span = f" The last {resource.default_range}, where no other time is asked for." if resource.default_range else ""
    about = f"List {resource.title.lower()}.{span}"
    return _operation(resource, "list", about, resource.least, {"description": "A page.", "content": _json(rows)}, parameters=asked)


def _change(resource: Resource, change: Change) -> dict[str, Json]:
    shown = [each for each in change.fields if each.name != VERSION.name]
    headers = [_parameter("Idempotency-Key", "A change with the same key is made once in 24 hours.", {"type": "string"}, place="header")]
    if change.method == "PATCH":
        words = "The ETag of your GET, or * to change whatever is there."
        headers.append(_parameter("If-Match", words, {"type": "string"}, place="header", is_required=True))
    told = {
        "type": "object",
        "properties": {"said": {"type": "string"}, "item": _row_of(resource), "shown_once": {"type": "string"}},
        "required": ["said", "item"],
    }
    about = f"{change.title}." + (f" It asks a person: {change.confirm}" if change.confirm else "")
    done = {"description": "It is done.", "content": _json(told)}
    status = "201" if change.is_of_list and change.name == ADD else "200"
    operation = _operation(resource, change.name, about, max(change.least, resource.least), done, parameters=headers, status=status)
    if shown:
        body = {
            "type": "object",
            "properties": {each.name: _field_schema(each) for each in shown},
            "additionalProperties": False,
            **({"required": needed} if (needed := [each.name for each in shown if each.is_required]) else {}),
        }
        operation["requestBody"] = {"required": any(each.is_required for each in shown), "content": _json(body)}
    return operation


def _operation(
    resource: Resource,
    name: str,
    summary: str,
    least: Role,
    answer: Mapping[str, Json],
    *,
    parameters: Sequence[Json] = (),
    status: str = "200",
) -> dict[str, Json]:
    return {
        "operationId": f"{resource.name}.{name}",
        "tags": [resource.name],
        "summary": summary,
        **({"description": resource.about} if resource.about else {}),
        **({"parameters": list(parameters)} if parameters else {}),
        "responses": {status: dict(answer), "default": {"$ref": "#/components/responses/Refused"}},
        "security": [{_SCHEME: [scope_of(least)]}],
    }


def _parameter(name: str, words: str, schema: Mapping[str, Json], *, place: str = "query", is_required: bool = False) -> dict[str, Json]:
    return {"name": name, "in": place, "required": is_required, "description": words, "schema": dict(schema)}


def _filter_schema(which: Filter) -> dict[str, Json]:
    if which.is_flag:
        return {"type": "boolean"}
    return {"type": "string", **({"enum": list(which.choices)} if which.choices else {})}


def _field_schema(each: Field) -> dict[str, Json]:
    words = {"title": each.title, **({"description": each.hint} if each.hint else {})}
    if each.is_flag:
        return {"type": "boolean", **words}
    choices = {"enum": list(each.choices)} if each.choices else {"maxLength": each.max_chars}
    return {"type": "string", **choices, **words, **({"writeOnly": True} if each.is_secret else {})}


def _row_schema(resource: Resource) -> dict[str, Json]:
    shown = {column.name: _column_schema(column) for column in resource.columns}
    # What a thing shows beside its columns may be of any shape where it is no number and no time.
    more = {each.name: {"title": each.title} if each.kind == "text" else _column_schema(each) for each in resource.facts}
    return {"type": "object", "properties": shown | more}


def _column_schema(column: Column) -> dict[str, Json]:
    words = {"title": column.title, **({"description": _MEANINGS[column.kind]} if column.kind in _MEANINGS else {})}
    if column.kind == "time":
        return {"type": ["string", "null"], "format": "date-time", **words}
    if column.kind in _NUMBERS:
        return {"type": ["number", "null"], **words}
    if column.kind == "flag":
        return {"type": ["boolean", "null"], **words}
    if column.kind == "spark":
        return {"type": ["array", "null"], "items": {"type": "number"}, **words}
    return {"type": ["string", "null"], **words}


def _row_of(resource: Resource) -> dict[str, Json]:
    return _ref(_schema_name(resource))


def _ref(schema: str) -> dict[str, Json]:
    return {"$ref": f"#/components/schemas/{schema}"}


def _schema_name(resource: Resource) -> str:
    return "".join(part.capitalize() for part in resource.name.replace("_", "-").split("-"))


def _json(schema: Mapping[str, Json]) -> dict[str, Json]:
    return {"application/json": {"schema": dict(schema)}}


_ERROR: dict[str, Json] = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "hint": {"type": ["string", "null"]},
                "faults": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"place": {"type": "string"}, "message": {"type": "string"}}},
                },
            },
            "required": ["code", "message"],
        },
        "trace_id": {"type": "string"},
    },
    "required": ["error", "trace_id"],
}
