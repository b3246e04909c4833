"""One argument that does not fit: where, what was given, which rule, and what would fit."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson
from jsonschema_rs import ValidationError, ValidationErrorKind

from tools.json_schema.argument_size import Cut, whole_path
from tools.json_schema.closest_branch import UnknownTag, closest_branch
from tools.json_schema.examples import FORMATS, example_of
from tools.json_schema.parts import holder_of, referred
from tools.near_names import MAX_KNOWN, near
from tools.operation import Json
from tools.plain_text import has_unseen, written_out

MAX_VALUE_CHARS = 80
MAX_OPTIONS = 12
#: of a list or object, more parts than these are cut anyway
MAX_SHOWN_PARTS = 40
#: of a name that may be looked through
MAX_NAME_CHARS = 1_000
_SECRET_NAME = re.compile(r"pass(word|wd|phrase)?|secret|token|credential|api_?key|authorization|private_?key", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fault:
    path: str
    value: Json
    rule: str
    example: Json
    message: str

    def as_json(self) -> dict[str, Json]:
        return {"path": self.path, "value": self.value, "rule": self.rule, "example": self.example}


def _fault_of(error: ValidationError, schema: Mapping[str, Json], cuts: Sequence[Cut], suggests: bool) -> Fault:
    closest = closest_branch(error)
    if isinstance(closest, UnknownTag):
        path = path_of(whole_path([*error.instance_path, closest.name], cuts))
        return _unknown_option(path, closest, suggests)
    error = closest
    kind, path = error.kind, path_of(whole_path(error.instance_path, cuts))
    subschema = schema_at(schema, error.schema_path[:-1])
    match kind:
        case ValidationErrorKind.Required():
            name = str(kind.property)
            wanted = subschema.get("properties", {}).get(name, {})
            return Fault(f"{path}.{name}", None, "required", example_of(wanted, schema), f"{path}.{name} is missing; it is required")
        case ValidationErrorKind.AdditionalProperties() | ValidationErrorKind.UnevaluatedProperties():
            return _unknown_name(path, kind.unexpected, error.instance, subschema, schema, suggests)
    rule, need = _rule_of(kind, error, suggests)
    example = [] if isinstance(kind, ValidationErrorKind.MaxItems) else example_of(subschema, schema)
    return Fault(path, shown(error.instance, path), rule, example, f"{path}: {shown_in_words(error.instance, path)} {need}")


def fault_of(error: ValidationError, schema: Mapping[str, Json], cuts: Sequence[Cut] = (), *, suggests: bool = True) -> Fault:
    """Return what a validator found, in words for whoever has to correct it.

    `cuts`: what was left out of the arguments that it looked at. `suggests`: say what was probably meant. Names and values come
    from documents and callers: characters that nobody sees are written out, and an example that has some is left out.
    """
    fault = _fault_of(error, schema, cuts, suggests)
    value = written_out(fault.value) if isinstance(fault.value, str) else fault.value
    example = fault.example if not has_unseen(json.dumps(fault.example, ensure_ascii=False, default=str)) else None
    return Fault(written_out(fault.path), value, written_out(fault.rule), example, written_out(fault.message))


def _unknown_option(path: str, tag: UnknownTag, suggests: bool) -> Fault:
    rule, need = _one_of(tag.options, tag.value, suggests)
    example = tag.options[0] if tag.options else None
    return Fault(path, shown(tag.value, path), rule, example, f"{path}: {shown_in_words(tag.value, path)} {need}")


def _one_of(options: Sequence[Json], instance: Json, suggests: bool) -> tuple[str, str]:
    named = ", ".join(_quoted(option) for option in options[:MAX_OPTIONS])
    more = f" … ({len(options)} in all)" if len(options) > MAX_OPTIONS else ""
    words = [option for option in options[:MAX_KNOWN] if isinstance(option, str)] if suggests else []
    meant = "".join(f"; did you mean {_quoted(each)}?" for each in _meant(instance, words))
    return f"one of {named}{more}", f"is not one of {named}{more}{meant}"


def _rule_of(kind: ValidationErrorKind, error: ValidationError, suggests: bool) -> tuple[str, str]:
    """Return (rule in schema words, the rest of a sentence that begins with the value)."""
    match kind:
        case ValidationErrorKind.Type():
            types = " or ".join(kind.types)
            return f"type {types}", f"is not of type {types}"
        case ValidationErrorKind.Enum():
            return _one_of(kind.options, error.instance, suggests)
        case ValidationErrorKind.Constant():
            return f"equal to {_quoted(kind.expected_value)}", f"is not {_quoted(kind.expected_value)}"
        case ValidationErrorKind.Format():
            said, example = FORMATS.get(kind.format, (kind.format, None))
            return f"format {kind.format}", f"is not {said}" + (f"; write it like {example}" if example else "")
        case ValidationErrorKind.Pattern():
            return f"pattern {kind.pattern}", f"does not match the pattern {kind.pattern}"
        case ValidationErrorKind.Maximum() | ValidationErrorKind.MaxLength() | ValidationErrorKind.MaxItems():
            return f"{kind.name} {kind.limit}", f"is above the limit: {kind.name} {kind.limit}"
        case ValidationErrorKind.Minimum() | ValidationErrorKind.MinLength() | ValidationErrorKind.MinItems():
            return f"{kind.name} {kind.limit}", f"is below the limit: {kind.name} {kind.limit}"
    return kind.name, f"breaks the rule: {_cut(error.message.rpartition(' is ')[2] or kind.name)}"


def _meant(given: Json, known: Sequence[str]) -> tuple[str, ...]:
    return near(given, known, 1) if isinstance(given, str) else ()


def _unknown_name(
    path: str, names: Sequence[str], instance: Json, schema: Mapping[str, Json], root: Mapping[str, Json], suggests: bool
) -> Fault:
    members = schema.get("properties", {})
    known = list(members)
    name = names[0]
    holder = holder_of(name, members, root) if suggests else None
    meant = near(name, known, 1) if suggests and holder is None else ()
    way_out = (
        f"it belongs in {path}.{holder}"
        if holder is not None
        else f"did you mean '{meant[0]}'?"
        if meant
        else f"it takes {', '.join(known[:MAX_OPTIONS]) or 'none'}"
    )
    value = shown(instance.get(name) if isinstance(instance, dict) else None, name)
    at = f"{path}.{_cut(name)}"
    return Fault(at, value, "no such argument", meant[0] if meant else None, f"{at} is not an argument; {way_out}")


def _is_secret(name: str) -> bool:
    """Say whether a value of this name is not to be repeated; of a name as long as a page nobody knows, and searching it takes long."""
    return len(name) > MAX_NAME_CHARS or _SECRET_NAME.search(name) is not None


def shown(value: Json, path: str) -> Json:
    """Return a value as it may be repeated to the caller: short, and never something that looks like a secret."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if _is_secret(path.rpartition(".")[2]):
        return "(not shown)"
    if isinstance(value, str):
        return _cut(value)
    return _cut(orjson.dumps(_masked(value, [MAX_SHOWN_PARTS]), default=str).decode())


def _masked(value: Json, left: list[int]) -> Json:
    """Return a list or object without what looks like a secret at any depth, and only as much of it as could be shown."""
    left[0] -= 1
    if left[0] < 0:
        return "…"
    if isinstance(value, Mapping):
        taken = [(str(name), member) for name, member in list(value.items())[: max(0, left[0])]]
        return {_cut(name): "(not shown)" if _is_secret(name) else _masked(member, left) for name, member in taken}
    if isinstance(value, list | tuple):
        return [_masked(member, left) for member in value[: max(0, left[0])]]
    return _cut(value) if isinstance(value, str) else value


def shown_in_words(value: Json, path: str) -> str:
    """Return the same within a sentence: a text in quotes, anything else as JSON."""
    said = shown(value, path)
    return f"'{said}'" if isinstance(value, str) else said if isinstance(said, str) else _quoted(said)


def path_of(parts: Sequence[str | int]) -> str:
    """Return where a value stands: `arguments.items[2].name`."""
    return "arguments" + "".join(f"[{part}]" if isinstance(part, int) else f".{_cut(part)}" for part in parts)


def schema_at(schema: Json, path: Sequence[str | int]) -> Mapping[str, Json]:
    """Return the part of a schema that a fault names, following local references on the way."""
    root, here = schema, schema
    for part in path:
        try:
            here = here[part]
        except (KeyError, IndexError, TypeError):
            return {}
        while isinstance(here, Mapping) and str(here.get("$ref", "")).startswith("#/"):
            here = referred(here["$ref"], root)
    return here if isinstance(here, Mapping) else {}


def _quoted(value: Json) -> str:
    return f"'{value}'" if isinstance(value, str) else orjson.dumps(value, default=str).decode()


def _cut(text: str) -> str:
    return text if len(text) <= MAX_VALUE_CHARS else f"{text[:MAX_VALUE_CHARS]}… ({len(text)} characters)"
