"""What an operation takes as its request body: which media type, which arguments become it."""

from collections.abc import Mapping

from tools.operation import Json
from tools.plain_text import has_unseen, visible
from tools.sources.media_types import JSON_LINES, JSON_PATCH, bare_type, kind_of, preferred_media_type
from tools.sources.openapi.bodies.file_members import FILE, file_field, file_schema
from tools.sources.openapi.bodies.media_types import BodyPlan, UnusableOperation, or_list_of_changes, or_upload
from tools.sources.openapi.bodies.members import Flat, file_members, flatten, has_members
from tools.sources.openapi.document import BrokenReference, OpenApiDocument
from tools.sources.openapi.schemas.convert import SchemaBundle
from tools.sources.openapi.schemas.keywords import BLANK_BY_STYLE, never_empty, shortened, without_delimiter

FORM_STYLES = ("form", "spaceDelimited", "pipeDelimited", "tabDelimited", "deepObject")
BODY_ARGUMENT = "body"


def plan_body(document: OpenApiDocument, body: Json, bundle: SchemaBundle, taken: frozenset[str]) -> BodyPlan | None:
    """Return how the request body of an operation is made, or None where it has none."""
    try:
        body = document.resolve(body)
    except BrokenReference as error:
        bundle.broken.append(str(error))
        return None
    content = body.get("content") if isinstance(body, Mapping) else None
    if not isinstance(content, Mapping) or not content:
        return None
    media_type = preferred_media_type(list(content))
    plan = _plan(document, media_type, content, body, bundle, taken)
    patch = next((name for name in content if bare_type(name) == JSON_PATCH and name != media_type), None)
    if patch is not None:
        return or_list_of_changes(plan, _plan(document, patch, content, body, bundle, taken, is_whole=True))
    upload = next((name for name in content if kind_of(name) == "multipart"), None)
    if upload is not None and plan.binding["kind"] in ("json", "form"):
        return or_upload(plan, _plan(document, upload, content, body, bundle, taken), taken)
    return plan


def _plan(
    document: OpenApiDocument,
    media_type: str,
    content: Mapping[str, Json],
    body: Mapping[str, Json],
    bundle: SchemaBundle,
    taken: frozenset[str],
    *,
    is_whole: bool = False,
) -> BodyPlan:
    """Return how a body of one media type is made; `is_whole`: of one argument, whatever its schema."""
    media = document.resolve(content[media_type])
    media = media if isinstance(media, Mapping) else {}
    schema = media.get("schema", {})
    kind = kind_of(media_type)
    is_required = body.get("required") is True
    if kind == "multipart" and "schema" not in media and any(word in media for word in ("itemSchema", "prefixEncoding", "itemEncoding")):
        raise UnusableOperation(f"its body of {media_type} is a sequence of parts without names, which is not supported")
    if bare_type(media_type) in JSON_LINES and "itemSchema" in media:
        return _whole("lines", media_type, {"type": "array", "items": bundle.convert(media["itemSchema"])}, body, is_required, taken)
    if bare_type(media_type) in JSON_LINES and "schema" in media:
        return _whole("lines", media_type, _as_lines(bundle.convert(media["schema"])), body, is_required, taken)
    if kind in ("bytes", "text"):
        plan = _whole(kind, media_type, dict(FILE) if kind == "bytes" else {"type": "string"}, body, is_required, taken)
        if len(content) > 1:
            plan.binding["offered"] = list(content)
        return plan
    flat = flatten(document, schema) if not is_whole else None
    if kind == "multipart" and flat is None:
        flat = file_members(document, schema)
    if kind == "multipart" and flat is None and not has_members(document, schema):
        # A vendor's habit: a file without a field. Servers call it `file` when asked to take one.
        flat = Flat(members={"file": {"type": "string", "format": "binary"}}, required=["file"] if is_required else [])
    if flat is None or not _fits(flat, bundle, taken):
        converted = bundle.convert(schema)
        return _whole(kind, media_type, converted if isinstance(converted, dict) else {}, body, is_required, taken)
    return _by_members(document, kind, media_type, media, flat, bundle, is_required=is_required)


def _as_lines(schema: Json) -> dict[str, Json]:
    """Return the schema of a list of lines: documents describe the whole of them, or one."""
    if isinstance(schema, dict) and schema.get("type") == "array":
        return schema
    is_open = not isinstance(schema, dict) or schema.get("type") == "string"
    return {"type": "array", "items": {} if is_open else schema}


def _within(branches: list[dict[str, Json]], properties: Mapping[str, Json]) -> list[dict[str, Json]]:
    """Return a choice without branches that ask for what is no argument (readOnly members); all of them where none is left."""
    fitting = [branch for branch in branches if all(name in properties for name in branch["required"])]
    return fitting or [{"required": []}]


def _fits(flat: Flat, bundle: SchemaBundle, taken: frozenset[str]) -> bool:
    visible = {name for name, member in flat.members.items() if not bundle.hides(member)}
    return bool(visible) and visible.isdisjoint(taken)


def _by_members(
    document: OpenApiDocument,
    kind: str,
    media_type: str,
    media: Mapping[str, Json],
    flat: Flat,
    bundle: SchemaBundle,
    *,
    is_required: bool,
) -> BodyPlan:
    properties: dict[str, Json] = {}
    files: dict[str, Json] = {}
    encoded: dict[str, dict[str, Json]] = {}
    #: argument -> name of the member
    fields: dict[str, str] = {}
    for name, member in flat.members.items():
        if bundle.hides(member):
            continue
        found = file_field(document, member) if kind == "multipart" else None
        if found is not None:
            files[name] = found.kind(document)
            properties[name] = file_schema(document, bundle, member, found)
            if found.encoding:
                encoded[name] = {"contentEncoding": found.encoding}
        else:
            argument = _argument(name, flat.members)
            fields[argument] = name
            properties[argument] = _field(bundle.convert(member), media.get("encoding"), name)
    for name in flat.required:
        if name not in flat.members:
            # Required and never described: vendor documents do that, and JSON Schema allows it.
            properties[name] = {}
    binding: dict[str, Json] = {"kind": kind, "media_type": media_type, "fields": {name: fields.get(name, name) for name in properties}}
    if files:
        binding["files"] = files
    encoding = media.get("encoding")
    if isinstance(encoding, Mapping) and encoding and kind in ("form", "multipart"):
        binding["encoding"] = {name: _encoding(rules) for name, rules in encoding.items() if isinstance(rules, Mapping)}
    for name, rules in encoded.items():
        binding.setdefault("encoding", {}).setdefault(name, {}).update(rules)
    binding["required"] = is_required
    required = [name for name in dict.fromkeys(_argument(name, flat.members) for name in flat.required) if name in properties]
    if is_required and kind == "multipart" and not required:
        required = _only_part(properties, files)
    if kind == "form" or (kind == "multipart" and encoding):
        properties |= {name: never_empty(properties[name], ("array", "object")) for name in required if isinstance(properties[name], dict)}
    additional = bundle.convert(flat.additional) if flat.additional is not False else False
    if additional is not False:
        binding["extras"] = True
    choices = [{word: _within(each, properties)} for choice in flat.choices for word, each in choice.items()] if is_required else []
    if is_required and flat.least and not required and additional is False:
        choices.append({"anyOf": [{"required": [name]} for name in properties]})
    return BodyPlan(binding=binding, properties=properties, required=required, additional=additional, choices=choices)


def _argument(name: str, members: Mapping[str, Json]) -> str:
    """Return how callers write the name of a member: without characters that nobody sees."""
    return name if name not in members or not has_unseen(name) or visible(name) in members else visible(name)


def _only_part(properties: Mapping[str, Json], files: Mapping[str, Json]) -> list[str]:
    """Return the member that a body must carry to carry anything: multipart has at least one part (RFC 2046 §5.1.1)."""
    candidates = list(files or properties)
    return candidates if len(candidates) == 1 else []


def _field(converted: Json, encoding: Json, name: str) -> Json:
    """Return the schema of a form field, without values that its style could not express."""
    rules = encoding.get(name) if isinstance(encoding, Mapping) else None
    style = str(rules.get("style")) if isinstance(rules, Mapping) else ""
    is_joined = style in BLANK_BY_STYLE and isinstance(rules, Mapping) and rules.get("explode") is not True
    return without_delimiter(converted, BLANK_BY_STYLE[style]) if is_joined and isinstance(converted, dict) else converted


def _whole(
    kind: str, media_type: str, schema: dict[str, Json], body: Mapping[str, Json], is_required: bool, taken: frozenset[str]
) -> BodyPlan:
    argument = BODY_ARGUMENT if BODY_ARGUMENT not in taken else "request_body"
    description = body.get("description")
    if isinstance(description, str) and description.strip() and "description" not in schema:
        schema = {**schema, "description": shortened(description)}
    binding = {"kind": kind, "media_type": media_type, "argument": argument, "required": is_required}
    return BodyPlan(binding=binding, properties={argument: schema}, required=[argument] if is_required else [])


def _encoding(rules: Mapping[str, Json]) -> dict[str, Json]:
    """Return what an encoding object says, as far as it says it validly."""
    kept: dict[str, Json] = {}
    if isinstance(rules.get("contentType"), str):
        kept["contentType"] = rules["contentType"]
    if rules.get("style") in FORM_STYLES:
        kept["style"] = rules["style"]
    if isinstance(rules.get("inner"), list):
        kept["inner"] = rules["inner"]
    for flag in ("explode", "allowReserved"):
        if isinstance(rules.get(flag), bool):
            kept[flag] = rules[flag]
    return kept
