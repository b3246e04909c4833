"""Numbers and booleans that a plan takes from an answer, where an argument goes out as text anyway or wants a text."""

from collections.abc import Mapping
from dataclasses import replace

from tools.expressions.over_steps import Path
from tools.json_schema.argument_faults import path_of
from tools.json_schema.value_types import Known, types_at, walk
from tools.operation import Json, Operation, Outcome
from tools.plans.references import ITEM, REF, Placeholder
from tools.plans.templates import as_argument

_PLAIN = frozenset({"integer", "number", "boolean"})
_NUMBERS = frozenset({"integer", "number"})


def is_text_on_the_wire(operation: Operation, at: Path) -> bool:
    """Say whether what stands at `at` is written into a path, a query, a header, a cookie or a form, where 7 and "7" are the same."""
    if not at:
        return False
    parameters = operation.binding.get("parameters") or ()
    if any(parameter.get("argument") == at[0] and "media_type" not in parameter for parameter in parameters):
        return True
    body = operation.binding.get("body") or {}
    return body.get("kind") == "form" and not body.get("ways") and at[0] in (body.get("fields") or {})


def fits_as_text(operation: Operation, at: Path, given: frozenset[str], wanted: frozenset[str]) -> bool:
    """Say whether values of the types `given` fill a place that wants a text, written as they are on the wire."""
    return "string" in wanted and given <= _PLAIN and is_text_on_the_wire(operation, at)


def with_texts(operation: Operation, places: tuple[Placeholder, ...], arguments: dict[str, Json]) -> dict[str, Json]:
    """Return filled `arguments` with numbers and booleans from `places` as text, where text alone is wanted and is what goes out."""
    for place in places:
        if is_text_on_the_wire(operation, place.at):
            name = str(place.at[0])
            arguments = {**arguments, name: _as_wanted(Known(operation.input_schema, operation.input_schema), name, arguments[name])}
    return arguments


def way_out(place: Placeholder, given: frozenset[str], wanted: frozenset[str]) -> Mapping[str, Json] | None:
    """Return the placeholder that would fit: `to_string(…)` for a number where a text is wanted, `to_number(…)` the other way round."""
    function = (
        "to_string" if "string" in wanted and given <= _PLAIN else "to_number" if wanted <= _NUMBERS and given == {"string"} else None
    )
    if function is None:
        return None
    text = place.expression.text
    inner = ("@" if text in ("", ".") else text.removeprefix(".")) if place.of_item else as_argument(text)
    return {ITEM if place.of_item else REF: f"{function}({inner})"}


def with_way_out(operation: Operation, places: tuple[Placeholder, ...], arguments: Mapping[str, Json], outcome: Outcome) -> Outcome:
    """Return a refusal of arguments with the placeholder that would fit, where one brought a number in place of a text, or the reverse."""
    failure = outcome.error
    if failure is None or failure.code != "invalid_arguments":
        return outcome
    faulty = {fault.get("path") for fault in failure.faults}
    for place in places:
        wanted = walk(Known(operation.input_schema, operation.input_schema), place.at, "arguments")
        if path_of(place.at) not in faulty or not isinstance(wanted, Known):
            continue
        better = way_out(place, frozenset({_type_of(_at(arguments, place.at))}), types_at(wanted) or frozenset())
        if better is not None:
            ((kind, expression),) = better.items()
            hint = f'write {{"{kind}": "{expression}"}} there'
            return replace(outcome, error=replace(failure, hint=f"{hint}; {failure.hint}" if failure.hint else hint))
    return outcome


def _as_wanted(root: Known, name: str, value: Json) -> Json:
    """Return `value`, or each of a list, as the text that goes out, where the argument takes texts and not such a value."""
    if not isinstance(value, list):
        return _as_text(value, _types(root, (name,)))
    wanted = _types(root, (name, 0))
    return [_as_text(each, wanted) for each in value] if "string" in wanted else value


def _types(root: Known, at: Path) -> frozenset[str]:
    found = walk(root, at, "arguments")
    return (types_at(found) if isinstance(found, Known) else None) or frozenset()


def _as_text(value: Json, wanted: frozenset[str]) -> Json:
    kind = _type_of(value)
    if "string" not in wanted or kind not in _PLAIN or kind in wanted or (kind == "integer" and "number" in wanted):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else str(value)


def _type_of(value: Json) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    return "integer" if isinstance(value, int) else "number" if isinstance(value, float) else "other"


def _at(value: Json, path: Path) -> Json:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value
