"""Arguments that are nearly right, made right where their schema leaves one way to read them: told, and never where it deletes."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import jsonschema_rs
from jsonschema_rs import ValidationErrorKind

from tools.json_schema.argument_faults import path_of, schema_at, shown_in_words
from tools.json_schema.argument_size import values_in
from tools.json_text import decode
from tools.operation import Json, Operation

#: faults that are mended in one call
MAX_MENDED = 10
#: values times what each may be held against, as where faults are put into words
MAX_EFFORT = 2_000
#: of a text that may be the JSON of what is wanted: models put whole arguments into one
MAX_READ_CHARS = 10_000
#: signs that a text is a list in somebody's own notation
_SEPARATORS = ",;|\n\t[{"
_CHOICES = (ValidationErrorKind.AnyOf, ValidationErrorKind.OneOfNotValid)
_MENDABLE = (ValidationErrorKind.Type, ValidationErrorKind.Enum, *_CHOICES)

Path = tuple[str | int, ...]


def served(
    operation: Operation, validator: jsonschema_rs.Validator, cost: int, arguments: Mapping[str, Json]
) -> tuple[Mapping[str, Json], tuple[str, ...]]:
    """Return `arguments` with what can be mended in them, and a word on each change; those that are too many to look at as they are.

    One value stands for a list of one, a list of one for its value, JSON in a text for what it says, and an integer for the text of its
    digits where the schema says which texts it takes. What cannot be undone gets the last of these only: a list may be shorter than what
    was meant.
    """
    notes: list[str] = []
    if values_in(arguments, MAX_EFFORT // cost) * cost > MAX_EFFORT:
        return arguments, ()
    is_careful = operation.access == "destructive" and operation.kind != "builtin"
    while len(notes) < MAX_MENDED:
        for error in islice(validator.iter_errors(arguments), MAX_MENDED):
            mended = _mended(operation, validator, error, arguments, is_careful=is_careful)
            if len(mended) == 1:
                arguments, note = mended[0]
                notes.append(note)
                break
        else:
            break
    return arguments, tuple(notes)


def _mended(
    operation: Operation,
    validator: jsonschema_rs.Validator,
    error: jsonschema_rs.ValidationError,
    arguments: Mapping[str, Json],
    *,
    is_careful: bool,
) -> list[tuple[Mapping[str, Json], str]]:
    """Return the ways in which the value of one fault can be read so that nothing is wrong with it any more."""
    at = tuple(error.instance_path)
    if not at or not isinstance(error.kind, _MENDABLE):
        return []
    found = []
    for value, note in _readings(operation, error, at, is_careful=is_careful):
        changed = _with(arguments, at, value)
        if not any(tuple(each.instance_path)[: len(at)] == at for each in islice(validator.iter_errors(changed), 4 * MAX_MENDED)):
            found.append((changed, note))
    return found


def _readings(operation: Operation, error: jsonschema_rs.ValidationError, at: Path, *, is_careful: bool) -> Iterator[tuple[Json, str]]:
    """Yield what the value of a fault may have been meant as, with the words for it."""
    value, where = error.instance, path_of(at)
    if isinstance(value, int) and not isinstance(value, bool) and _names_its_texts(error, operation.input_schema):
        yield str(value), f"{where}: {value} was taken as the text '{value}', which it wants"
    if is_careful:
        return
    if isinstance(value, str) and (read := _read(value)) is not None:
        yield read, f"{where}: the JSON in the text was taken for the text; send the value itself"
    if isinstance(value, list):
        if len(value) == 1:
            yield value[0], f"{where}: the only element of the list was taken, {shown_in_words(value[0], where)}; it wants one value"
    elif value is not None and not (isinstance(value, str) and any(each in value for each in _SEPARATORS)):
        yield [value], f"{where}: {shown_in_words(value, where)} was taken as a list of one, which it wants"


def _read(text: str) -> Json:
    """Return the list, object, number or truth value that a text is the JSON of; None where it is no JSON, too long, or a text again."""
    if len(text) > MAX_READ_CHARS:
        return None
    try:
        value = decode(text.encode())
    except ValueError:
        return None
    return None if isinstance(value, str) else value


def _names_its_texts(error: jsonschema_rs.ValidationError, schema: Mapping[str, Json]) -> bool:
    """Say whether the schema of a faulty value says which texts it takes, so that digits are known to be one."""
    if isinstance(error.kind, _CHOICES):
        at = tuple(error.instance_path)
        return any(_names_its_texts(each, schema) for branch in error.kind.context for each in branch if tuple(each.instance_path) == at)
    if isinstance(error.kind, ValidationErrorKind.Enum):
        return True
    wanted = schema_at(schema, error.schema_path[:-1])
    return isinstance(error.kind, ValidationErrorKind.Type) and "string" in error.kind.types and ("pattern" in wanted or "enum" in wanted)


def _with(value: Any, at: Path, new: Json) -> Any:
    if not at:
        return new
    copy: Any = list(value) if isinstance(value, list) else dict(value)
    copy[at[0]] = _with(copy[at[0]], at[1:], new)
    return copy
