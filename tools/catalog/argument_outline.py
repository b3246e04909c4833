"""A schema as lines that a model reads: a member a line, with its type and the first sentence of its description."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tools.catalog.sentences import first_sentence, within
from tools.catalog.signature_types import MAX_OPTIONS, Brevity, Definitions, is_deprecated, properties_of, resolved, type_of
from tools.operation import Json
from tools.plain_text import written_out

MAX_LINES = 400


class Detail(NamedTuple):
    """How many levels of members are lines of their own, how long a description may be, and how many optional members a level has."""

    levels: int
    description_chars: int
    members: int


#: from everything to the least; the first that fits is taken
DETAILS = (
    Detail(3, 140, 60),
    Detail(3, 80, 30),
    Detail(3, 50, 16),
    Detail(2, 80, 20),
    Detail(2, 40, 14),
    Detail(1, 80, 40),
    Detail(1, 0, 40),
    Detail(1, 0, 16),
)
#: what a line says of a value whose members are lines of their own, or are left out
_SHORT = Brevity(1, 1, 6, MAX_OPTIONS)
_SHORTER = Brevity(0, 0, 0, 3)


def outline_of(schema: Mapping[str, Json], max_chars: int) -> str:
    """Return the members of an object in lines, within `max_chars`: required ones first, nested ones indented, what is left out counted."""
    definitions = Definitions(schema.get("$defs", {}))
    for detail in DETAILS:
        lines: list[str] = []
        size = 0
        for line in _lines(schema, definitions, detail, 0):
            lines.append(line)
            size += len(line) + 1
            if size > max_chars or len(lines) > MAX_LINES:
                break
        else:
            return "\n".join(lines)
    while lines and size > max_chars - len("…+999 more lines"):
        size -= len(lines.pop()) + 1
    return "\n".join([*lines, f"…+{sum(1 for _ in _lines(schema, definitions, detail, 0)) - len(lines)} more"])


def _lines(schema: Json, definitions: Definitions, detail: Detail, level: int) -> Iterator[str]:
    properties, required = properties_of(schema, definitions)
    if not properties and level == 0:
        yield type_of(schema, definitions, _SHORT)
        return
    indent = "  " * level
    names = [name for name in properties if name in required]
    names += [name for name in properties if name not in required and not is_deprecated(properties[name])][: detail.members]
    for name in names:
        member = properties[name]
        inner, suffix = _inner(member, definitions)
        has_lines = inner is not None and level + 1 < detail.levels
        typed = f"object{suffix}" if has_lines else type_of(member, definitions, _SHORT if level == 0 else _SHORTER)
        said = _description(member, definitions, detail.description_chars)
        yield written_out(f"{indent}{name}{'' if name in required else '?'}: {typed}") + (f" · {said}" if said else "")
        if has_lines:
            yield from _lines(inner, definitions, detail, level + 1)
    left = sum(not is_deprecated(properties[name]) or name in required for name in properties) - len(names)
    if left:
        yield f"{indent}…+{left}"


def _inner(schema: Json, definitions: Definitions) -> tuple[Json, str]:
    """Return (the object whose members a value or each of its items has, `[]` as often as it is a list), or (None, "")."""
    suffix = ""
    for _ in range(3):
        schema = resolved(schema, definitions)
        if not isinstance(schema, Mapping):
            return None, ""
        if schema.get("type") in ("array", ["array", "null"]):
            schema, suffix = schema.get("items"), suffix + "[]"
            continue
        break
    return (schema, suffix) if isinstance(schema, Mapping) and properties_of(schema, definitions)[0] else (None, "")


def _description(schema: Json, definitions: Definitions, most: int) -> str:
    if not most:
        return ""
    key = (id(schema), -2, 0, None)
    if (known := definitions.words.get(key)) is None:
        parts = (schema, resolved(schema, definitions))
        texts = [part["description"] for part in parts if isinstance(part, Mapping) and isinstance(part.get("description"), str)]
        known = definitions.words[key] = first_sentence(texts[0], DETAILS[0].description_chars) if texts else ""
    return within(known, most)
