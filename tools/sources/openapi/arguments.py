"""What an operation takes: parameters and body as one flat object of arguments, and where in the request each goes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tools.operation import Json
from tools.plain_text import has_unseen, visible
from tools.sources.media_types import MERGE_PATCHES, bare_type
from tools.sources.openapi.bodies.media_types import BodyPlan, UnusableOperation
from tools.sources.openapi.bodies.merge_patch import removable
from tools.sources.openapi.bodies.request_body import plan_body
from tools.sources.openapi.document import BrokenReference, OpenApiDocument
from tools.sources.openapi.examples import example_value
from tools.sources.openapi.schemas.convert import SchemaBundle
from tools.sources.openapi.schemas.keywords import BLANK_BY_STYLE, MAX_EXAMPLE_CHARS, never_empty, shortened, types_of, without_delimiter
from tools.sources.openapi.security import Security

#: default style by place (OpenAPI 3.1 §4.8.12.2)
STYLE_BY_PLACE = {"path": "simple", "query": "form", "header": "simple", "cookie": "form", "querystring": "form"}
#: the delimited ones in other places than the query are what Swagger 2.0's collection formats become
_DELIMITED = {"spaceDelimited", "pipeDelimited", "tabDelimited"}
STYLES_BY_PLACE = {
    "path": {"simple", "label", "matrix", *_DELIMITED},
    "query": {"form", "deepObject", *_DELIMITED},
    "header": {"simple", *_DELIMITED},
    "cookie": {"form", "cookie"},
    "querystring": {"form"},
}
#: header parameters to ignore: other parts of the document decide them (OpenAPI 3.1 §4.8.12), or the connection does (RFC 9110 §6.6, §7.6)
_FRAMING = (
    "accept content-type authorization content-length content-encoding accept-encoding transfer-encoding connection host te trailer upgrade"
)
IGNORED_HEADERS = frozenset(_FRAMING.split())
FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: parameters through which documents pass the caller's credential beside their security scheme
CREDENTIAL_NAMES = frozenset({"token", "access_token", "oauth_token", "auth_token", "api_key", "apikey", "authorization"})
WORD_BY_SIGN = {"<": "_before", ">": "_after"}


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of one operation: their schema for callers, and the plan by which a request is made of them."""

    schema: dict[str, Json]
    #: [{argument, name, in, style, explode, reserved?, media_type?}]
    parameters: list[dict[str, Json]]
    body: dict[str, Json] | None
    #: required parameters that carry the credential: [{name, in}]
    credential_parameters: list[dict[str, Json]]
    broken: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _CollectedArguments:
    bundle: SchemaBundle
    #: (place, name in lower case) of what the connection puts into the request by itself
    proven: frozenset[tuple[str, str]] = frozenset()
    is_secured: bool = False
    properties: dict[str, Json] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    parameters: list[dict[str, Json]] = field(default_factory=list)
    credential_parameters: list[dict[str, Json]] = field(default_factory=list)


def plan_arguments(
    document: OpenApiDocument, path: str, parameters: Sequence[Mapping[str, Json]], body: Json, security: Security
) -> Arguments:
    """Return the arguments of an operation. Raises UnusableOperation."""
    is_secured = bool(security.alternatives)
    collected = _CollectedArguments(SchemaBundle(document, "in"), security.proven, is_secured)
    for parameter in sorted(parameters, key=lambda parameter: _PLACES.index(str(parameter["in"]))):
        _collect(document, parameter, collected)
    _add_undeclared(path, collected)
    plan = plan_body(document, body, collected.bundle, taken=frozenset(collected.properties))
    extras: Json = False
    choices: list[dict[str, list[dict[str, Json]]]] = []
    if plan is not None:
        collected.properties.update(plan.properties)
        collected.required += plan.required
        extras, choices = plan.additional, plan.choices
        if is_secured:
            _hide_credential_fields(plan, collected)
    schema: dict[str, Json] = {"type": "object", "properties": collected.properties}
    if collected.required:
        schema["required"] = list(dict.fromkeys(collected.required))
    schema["additionalProperties"] = extras
    if choices:
        schema["allOf"] = list(choices)
    whole = collected.bundle.complete(schema)
    if plan is not None and bare_type(plan.binding["media_type"]) in MERGE_PATCHES:
        whole = removable(whole, plan.binding)
    return Arguments(
        schema=whole,
        parameters=collected.parameters,
        body=plan.binding if plan else None,
        credential_parameters=collected.credential_parameters,
        broken=collected.bundle.broken,
    )


def merge_parameters(document: OpenApiDocument, shared: Json, own: Json) -> list[Mapping[str, Json]]:
    """Return path-level and operation-level parameters, resolved; the operation's replace those of the same name and place.

    Raises UnusableOperation where one that the path needs cannot be read.
    """
    merged: dict[tuple[str, str], Mapping[str, Json]] = {}
    for parameter in [*(shared if isinstance(shared, list) else []), *(own if isinstance(own, list) else [])]:
        try:
            resolved = document.resolve(parameter)
        except BrokenReference as error:
            raise UnusableOperation(f"a parameter cannot be read: {error}") from error
        if not isinstance(resolved, Mapping) or not isinstance(resolved.get("name"), str):
            continue
        place = str(resolved.get("in"))
        if place == "path" and resolved.get("allowReserved") is True and not str(document.root.get("openapi")).startswith("3.2"):
            # Before OpenAPI 3.2 it is said of queries alone, and a slash would address another resource.
            resolved = {word: value for word, value in resolved.items() if word != "allowReserved"}
        if place in _PLACES and not (place == "header" and not _is_sendable(resolved["name"])):
            merged[resolved["name"], place] = resolved
    return list(merged.values())


_PLACES = ("path", "query", "querystring", "header", "cookie")


def _is_sendable(header: str) -> bool:
    """Say whether callers may set a header: it has a name that HTTP allows, and nothing else decides it (RFC 9110 §5.1)."""
    return FIELD_NAME.fullmatch(header) is not None and header.lower() not in IGNORED_HEADERS


def argument_name(name: str, place: str) -> str:
    """Return how callers write a parameter: as the API does, headers in snake case, `StartTime<` as `StartTime_before`."""
    if place == "header":
        return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "header"
    return "".join(WORD_BY_SIGN.get(sign, sign) for sign in visible(name)) or place


def _collect(document: OpenApiDocument, parameter: Mapping[str, Json], collected: _CollectedArguments) -> None:
    name, place = str(parameter["name"]), str(parameter["in"])
    is_required = parameter.get("required") is True or place == "path"
    is_proof = (place, name.lower()) in collected.proven
    if is_proof or (collected.is_secured and place != "path" and name.lower() in CREDENTIAL_NAMES):
        # The connection proves the caller; a model never holds the token.
        if is_required:
            collected.credential_parameters.append({"name": name, "in": place})
        return
    schema, media_type = _schema_of(parameter)
    converted = collected.bundle.convert(schema)
    if not isinstance(converted, dict):
        converted = {}
    description = parameter.get("description")
    if isinstance(description, str) and description.strip():
        converted = {**converted, "description": shortened(description)}
    example = example_value(document, parameter)
    if example is not None and "examples" not in converted and len(str(example)) <= MAX_EXAMPLE_CHARS and not has_unseen(str(example)):
        converted = {**converted, "examples": [example]}
    if parameter.get("deprecated") is True:
        converted = {**converted, "deprecated": True}
    style = _style_of(document, parameter, schema, media_type)
    if place == "path":
        # An empty value would address another resource.
        converted = never_empty(converted)
    elif is_required and place != "header" and media_type is None:
        converted = never_empty(converted, ("array", "object"))
        if "$ref" in converted and _is_object(document, schema):
            converted = {**converted, "minProperties": 1}
    if style.get("style") in BLANK_BY_STYLE and not style["explode"]:
        converted = without_delimiter(converted, BLANK_BY_STYLE[style["style"]])
    argument = _free(argument_name(name, place), place, collected.properties)
    collected.properties[argument] = converted
    if is_required and not (place != "path" and parameter.get("allowEmptyValue") is True and "default" in converted):
        collected.required.append(argument)
    collected.parameters.append({"argument": argument, "name": name, "in": place, **style})


def _schema_of(parameter: Mapping[str, Json]) -> tuple[Json, str | None]:
    """Return the schema of a parameter, and the media type where its value is written as a document (`content`)."""
    content = parameter.get("content")
    if isinstance(content, Mapping) and content:
        media_type, media = next(iter(content.items()))
        return (media.get("schema", {}) if isinstance(media, Mapping) else {}), media_type
    if "schema" in parameter:
        return parameter["schema"], None
    # Left over from Swagger 2.0: the keywords on the parameter itself.
    return {key: value for key, value in parameter.items() if key in ("type", "format", "enum", "default", "items", "pattern")}, None


def _style_of(document: OpenApiDocument, parameter: Mapping[str, Json], schema: Json, media_type: str | None) -> dict[str, Json]:
    place = str(parameter["in"])
    if media_type is not None:
        return {"media_type": media_type}
    style = str(parameter.get("style"))
    if style not in STYLES_BY_PLACE[place]:
        style = STYLE_BY_PLACE[place]
    explode = parameter.get("explode")
    planned: dict[str, Json] = {"style": style, "explode": explode if isinstance(explode, bool) else style in ("form", "cookie")}
    if isinstance(parameter.get("inner"), list):
        planned["inner"] = parameter["inner"]
    if parameter.get("allowReserved") is True and place in ("query", "path"):
        planned["reserved"] = True
    if style == "form" and place == "query" and "style" not in parameter and _is_nested(document, schema):
        # An undefined case in OpenAPI: objects inside a query parameter; deepObject is what servers read.
        planned["style"] = "deepObject"
    return planned


def _is_object(document: OpenApiDocument, schema: Json) -> bool:
    try:
        resolved = document.resolve(schema)
    except BrokenReference:
        return False
    return isinstance(resolved, Mapping) and types_of(resolved) == ["object"]


def _is_nested(document: OpenApiDocument, schema: Json) -> bool:
    try:
        resolved = document.resolve(schema)
        if not isinstance(resolved, Mapping) or "object" not in types_of(resolved):
            return False
        members = resolved.get("properties")
        values = [document.resolve(member) for member in members.values()] if isinstance(members, Mapping) else []
    except BrokenReference:
        return False
    return any(isinstance(value, Mapping) and {"object", "array"} & set(types_of(value)) for value in values)


def _free(argument: str, place: str, taken: Mapping[str, Json]) -> str:
    if argument not in taken:
        return argument
    candidate, number = f"{argument}_{place}", 2
    while candidate in taken:
        candidate, number = f"{argument}_{place}_{number}", number + 1
    return candidate


def _add_undeclared(path: str, collected: _CollectedArguments) -> None:
    """Add `{placeholders}` of the path that the document forgot to declare: without them there is no URL."""
    declared = {parameter["name"] for parameter in collected.parameters if parameter["in"] == "path"}
    for name in re.findall(r"\{([^{}]+)\}", path.split("#")[0]):
        if name not in declared:
            declared.add(name)
            argument = _free(argument_name(name, "path"), "path", collected.properties)
            collected.properties[argument] = {"type": ["string", "integer"]}
            collected.required.append(argument)
            collected.parameters.append({"argument": argument, "name": name, "in": "path", "style": "simple", "explode": False})


def _hide_credential_fields(plan: BodyPlan, collected: _CollectedArguments) -> None:
    fields = plan.binding.get("fields")
    if plan.binding["kind"] not in ("form", "multipart") or not isinstance(fields, dict):
        return
    for argument, name in list(fields.items()):
        if name.lower() in CREDENTIAL_NAMES:
            del fields[argument]
            del collected.properties[argument]
            if argument in collected.required:
                collected.required.remove(argument)
                collected.credential_parameters.append({"name": name, "in": "form"})
