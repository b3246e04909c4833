"""Swagger 2.0 read as OpenAPI 3.0: the same operations, in the newer document's shape."""

from collections.abc import Mapping, Sequence

from tools.operation import Json
from tools.sources.openapi.document import BrokenReference, OpenApiDocument

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
#: Swagger 2.0 collectionFormat -> (style, explode) of OpenAPI 3.0
STYLE_BY_COLLECTION_FORMAT: Mapping[str, tuple[str, bool]] = {
    "csv": ("form", False),
    "ssv": ("spaceDelimited", False),
    "tsv": ("tabDelimited", False),
    "pipes": ("pipeDelimited", False),
    "multi": ("form", True),
}
SEPARATOR_BY_COLLECTION_FORMAT = {"csv": ",", "ssv": " ", "tsv": "\t", "pipes": "|"}
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
_SCHEMA_KEYS = """
type format items default maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems minItems uniqueItems enum
multipleOf example x-example
"""
SCHEMA_KEYS = frozenset(_SCHEMA_KEYS.split())
MAX_LEVELS = 5
FLOW_BY_SWAGGER_FLOW = {
    "implicit": "implicit",
    "password": "password",
    "application": "clientCredentials",
    "accessCode": "authorizationCode",
}


def upgrade(document: OpenApiDocument) -> OpenApiDocument:
    """Return `document` in the shape of OpenAPI 3.0; references into `#/definitions` keep working."""
    if document.version != "2.0":
        return document
    root = dict(document.root)
    root["servers"] = _servers(root)
    root["components"] = {"securitySchemes": _security_schemes(root.get("securityDefinitions"))}
    paths = root.get("paths")
    if isinstance(paths, Mapping):
        root["paths"] = {path: _path_item(document, item) for path, item in paths.items()}
    return OpenApiDocument(root=root, version="3.0", location=document.location, externals=document.externals, unread=document.unread)


def _servers(root: Mapping[str, Json]) -> list[Json]:
    base_path = str(root.get("basePath") or "")
    host = root.get("host")
    if not host:
        return [{"url": base_path or "/"}]
    schemes = [scheme for scheme in _strings(root.get("schemes")) if scheme in ("https", "http")] or ["https"]
    # https first, whatever the order in the document: a credential goes with every call.
    return [{"url": f"{scheme}://{host}{base_path}"} for scheme in sorted(schemes, reverse=True)]


def _path_item(document: OpenApiDocument, item: Json) -> Json:
    try:
        item = document.resolve(item)
    except BrokenReference:
        return item
    if not isinstance(item, Mapping):
        return item
    shared = item.get("parameters")
    shared_parameters = shared if isinstance(shared, list) else []
    upgraded = {key: value for key, value in item.items() if key not in METHODS and key != "parameters"}
    for method in METHODS:
        operation = item.get(method)
        if isinstance(operation, Mapping):
            upgraded[method] = _operation(document, operation, shared_parameters)
        elif operation is not None:
            upgraded[method] = operation
    return upgraded


def _operation(document: OpenApiDocument, operation: Mapping[str, Json], shared: Sequence[Json]) -> dict[str, Json]:
    upgraded = dict(operation)
    consumes = _strings(operation.get("consumes", document.root.get("consumes"))) or ["application/json"]
    produces = _strings(operation.get("produces", document.root.get("produces"))) or ["application/json"]
    parameters, fields, body = [], [], None
    for parameter in _merged(document, shared, operation.get("parameters")):
        place = parameter.get("in")
        if place == "body":
            body = parameter
        elif place == "formData":
            fields.append(parameter)
        else:
            parameters.append(_parameter(parameter))
    upgraded["parameters"] = parameters
    if body is not None:
        upgraded["requestBody"] = _json_body(body, consumes)
    elif fields:
        upgraded["requestBody"] = _form_body(fields, consumes)
    responses = operation.get("responses")
    if isinstance(responses, Mapping):
        upgraded["responses"] = {str(status): _response(document, answer, produces) for status, answer in responses.items()}
    schemes = _strings(operation.get("schemes"))
    if schemes and document.root.get("host"):
        upgraded["servers"] = _servers({**document.root, "schemes": schemes})
    return upgraded


def _merged(document: OpenApiDocument, shared: Sequence[Json], own: Json) -> list[Mapping[str, Json]]:
    """Return path-level and operation-level parameters; the operation's replace those of the same name and place."""
    merged: dict[tuple[str, str], Mapping[str, Json]] = {}
    broken: list[Mapping[str, Json]] = []
    for parameter in [*shared, *(own if isinstance(own, list) else [])]:
        try:
            resolved = document.resolve(parameter)
        except BrokenReference:
            broken.append(parameter)
            continue
        if isinstance(resolved, Mapping):
            merged[str(resolved.get("name")), str(resolved.get("in"))] = resolved
    return [*merged.values(), *broken]


def _parameter(parameter: Mapping[str, Json]) -> dict[str, Json]:
    if "$ref" in parameter or "schema" in parameter:
        return dict(parameter)
    upgraded = {key: value for key, value in parameter.items() if key not in SCHEMA_KEYS and key != "collectionFormat"}
    upgraded["schema"] = {key: value for key, value in parameter.items() if key in SCHEMA_KEYS}
    if parameter.get("type") == "array":
        style, explode = STYLE_BY_COLLECTION_FORMAT.get(str(parameter.get("collectionFormat")), ("form", False))
        if parameter.get("in") != "query" and style == "form":
            style, explode = "simple", False
        upgraded |= {"style": style, "explode": explode, **_inner(parameter)}
    return upgraded


def _inner(parameter: Mapping[str, Json]) -> dict[str, Json]:
    """Return what stands between the values of lists within a list, level by level: items have a collectionFormat of their own."""
    separators: list[str] = []
    items = parameter.get("items")
    while isinstance(items, Mapping) and items.get("type") == "array" and len(separators) < MAX_LEVELS:
        separators.append(SEPARATOR_BY_COLLECTION_FORMAT.get(str(items.get("collectionFormat")), ","))
        items = items.get("items")
    return {"inner": separators} if separators else {}


def _json_body(parameter: Mapping[str, Json], consumes: Sequence[str]) -> dict[str, Json]:
    schema = parameter.get("schema", {})
    content = {media_type: {"schema": schema} for media_type in consumes if media_type not in (FORM, MULTIPART)}
    return {
        "description": parameter.get("description", ""),
        "required": bool(parameter.get("required")),
        "content": content or {"application/json": {"schema": schema}},
    }


def _form_body(fields: Sequence[Mapping[str, Json]], consumes: Sequence[str]) -> dict[str, Json]:
    properties, encoding = {}, {}
    for part in fields:
        schema = {key: value for key, value in part.items() if key in SCHEMA_KEYS}
        if part.get("type") == "file":
            schema = {"type": "string", "format": "binary"}
        if part.get("description"):
            schema["description"] = part["description"]
        name = str(part.get("name"))
        properties[name] = schema
        if part.get("type") == "array":
            style, explode = STYLE_BY_COLLECTION_FORMAT.get(str(part.get("collectionFormat")), ("form", False))
            encoding[name] = {"style": style, "explode": explode, **_inner(part)}
    required = [str(part.get("name")) for part in fields if part.get("required") is True]
    has_file = any(part.get("type") == "file" for part in fields)
    media_type = MULTIPART if has_file or (MULTIPART in consumes and FORM not in consumes) else FORM
    schema = {"type": "object", "properties": properties, "required": required}
    return {"required": bool(required), "content": {media_type: {"schema": schema, "encoding": encoding}}}


def _response(document: OpenApiDocument, answer: Json, produces: Sequence[str]) -> Json:
    try:
        answer = document.resolve(answer)
    except BrokenReference:
        return {"description": ""}
    if not isinstance(answer, Mapping):
        return {"description": ""}
    upgraded = {key: value for key, value in answer.items() if key not in ("schema", "examples")}
    schema = answer.get("schema")
    if isinstance(schema, Mapping):
        if schema.get("type") == "file":
            schema = {"type": "string", "format": "binary"}
        upgraded["content"] = {media_type: {"schema": schema} for media_type in produces}
    return upgraded


def _security_schemes(definitions: Json) -> dict[str, Json]:
    schemes: dict[str, Json] = {}
    for name, scheme in definitions.items() if isinstance(definitions, Mapping) else ():
        if not isinstance(scheme, Mapping):
            continue
        if scheme.get("type") == "basic":
            schemes[name] = {"type": "http", "scheme": "basic", "description": scheme.get("description", "")}
        elif scheme.get("type") == "oauth2":
            flow = FLOW_BY_SWAGGER_FLOW.get(str(scheme.get("flow")), "authorizationCode")
            keys = ("authorizationUrl", "tokenUrl", "scopes")
            schemes[name] = {"type": "oauth2", "flows": {flow: {key: scheme[key] for key in keys if key in scheme}}}
        else:
            schemes[name] = dict(scheme)
    return schemes


def _strings(value: Json) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
