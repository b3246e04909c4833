"""Types that other types extend, and parts that add up to one object."""

from collections.abc import Mapping

from tools.operation import Json
from tools.sources.openapi.document import BrokenReference, OpenApiDocument


def is_polymorphic(schema: Json) -> bool:
    """Say whether a schema has subtypes elsewhere that name it in their `allOf` (OpenAPI 3.1 §4.8.25.4)."""
    return isinstance(schema, Mapping) and bool(schema.get("discriminator")) and not (schema.get("oneOf") or schema.get("anyOf"))


def is_closed(schema: Json) -> bool:
    return isinstance(schema, Mapping) and schema.get("additionalProperties") is False


def opened(schema: Json) -> Json:
    """Return a part of an allOf without `additionalProperties: false`: by the letter it would refuse the members of the other parts."""
    return {key: value for key, value in schema.items() if key != "additionalProperties"} if is_closed(schema) else schema


def subtypes_of(document: OpenApiDocument, ref: str, schema: Json) -> list[str]:
    """Return the references of the subtypes of a polymorphic schema: those in its mapping, else those that extend it."""
    if not is_polymorphic(schema):
        return []
    discriminator = schema["discriminator"]
    mapping = discriminator.get("mapping") if isinstance(discriminator, Mapping) else None
    folder = ref.rpartition("/")[0]
    if isinstance(mapping, Mapping) and mapping:
        named = [str(target) if "/" in str(target) or "#" in str(target) else f"{folder}/{target}" for target in mapping.values()]
        found = [target for target in dict.fromkeys(named) if target != ref]
    else:
        siblings = document.target(folder) if folder not in ("", "#") else {}
        found = (
            [f"{folder}/{escaped(name)}" for name, one in siblings.items() if extends(one, ref)] if isinstance(siblings, Mapping) else []
        )
    return [target for target in found if _leads_somewhere(document, target)]


def extends(schema: Json, ref: str) -> bool:
    composed = schema.get("allOf") if isinstance(schema, Mapping) else None
    return isinstance(composed, list) and any(isinstance(member, Mapping) and member.get("$ref") == ref for member in composed)


def escaped(name: str) -> str:
    """Return a name as part of a JSON pointer (RFC 6901 §3)."""
    return name.replace("~", "~0").replace("/", "~1")


def _leads_somewhere(document: OpenApiDocument, ref: str) -> bool:
    try:
        document.target(ref)
    except BrokenReference:
        return False
    return True
