"""Which value of a discriminator means which branch (OpenAPI 3.1 §4.8.25)."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from tools.json_schema.json_equal import same
from tools.operation import Json
from tools.sources.openapi.document import BrokenReference, OpenApiDocument


class Meant(NamedTuple):
    """The branch behind `ref` is the one with one of `values` in its member `name`."""

    ref: str
    name: str
    values: list[str]


def meanings(
    document: OpenApiDocument, schema: Mapping[str, Json], refs: Sequence[str], direction_flag: str, *, is_inherited: bool = False
) -> Iterator[Meant]:
    """Yield what the discriminator of `schema` says of each of its branches.

    A mapping is taken at its word. Without one the name of the branch is the value, as the specification has it, but only
    where nothing that the branch says of the member (options, an example, a default) speaks against it, and not for subtypes
    (`is_inherited`): there vendors write their own words. A branch that does not describe the member is left alone; so is one
    whose member belongs to the other direction (`direction_flag`: readOnly).
    """
    discriminator = schema.get("discriminator")
    name = discriminator.get("propertyName") if isinstance(discriminator, Mapping) else discriminator
    if not isinstance(name, str):
        return
    mapping = discriminator.get("mapping") if isinstance(discriminator, Mapping) else None
    values_by_ref: dict[str, list[str]] = {}
    for value, target in mapping.items() if isinstance(mapping, Mapping) else ():
        for ref in refs:
            if target == ref or ref.rpartition("/")[2] == target:
                values_by_ref.setdefault(ref, []).append(value)
    for ref in refs:
        member = _member(document, {"$ref": ref}, name)
        if not isinstance(member, Mapping) or member.get(direction_flag) is True:
            continue
        if isinstance(discriminator, Mapping) and discriminator.get("defaultMapping") in (ref, ref.rpartition("/")[2]):
            # OpenAPI 3.2: this branch is also what no value names.
            continue
        implied = ref.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
        if ref in values_by_ref:
            yield Meant(ref, name, values_by_ref[ref])
        elif not values_by_ref and not is_inherited and not _contradicts(member, implied):
            yield Meant(ref, name, [implied])


def _contradicts(member: Json, value: str) -> bool:
    """Say whether what a document says of a discriminator (examples, default, const) speaks against `value`."""
    if not isinstance(member, Mapping):
        return False
    shown = [member[key] for key in ("example", "default", "const") if key in member]
    listed = member.get("examples")
    shown += listed if isinstance(listed, list) else []
    return any(not same(each, value) for each in shown)


def _member(document: OpenApiDocument, schema: Json, name: str) -> Json:
    """Return what a schema says of its member `name`, itself or by `allOf`; the most specific comes first, each part is read once."""
    pending: deque[Json] = deque([schema])
    seen: set[int] = set()
    while pending:
        try:
            part = document.resolve(pending.popleft())
            if not isinstance(part, Mapping) or id(part) in seen:
                continue
            seen.add(id(part))
            properties = part.get("properties")
            if isinstance(properties, Mapping) and name in properties:
                return document.resolve(properties[name])
        except BrokenReference:
            continue
        composed = part.get("allOf")
        pending.extend(composed if isinstance(composed, list) else ())
    return None
