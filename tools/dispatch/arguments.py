"""Are these arguments what the operation takes? Validation with messages that a model can act on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

import jsonschema_rs
import orjson

from tools.catalog.lazy_json import plain
from tools.catalog.signature_types import WHOLE, Definitions, type_of
from tools.dispatch.mended_arguments import served
from tools.json_schema.argument_faults import Fault, fault_of, path_of
from tools.json_schema.argument_size import Cut, narrowed, values_in
from tools.json_schema.examples import fits
from tools.json_schema.formats import LOOSE
from tools.json_schema.meant_numbers import may_hold_big_integers, meant, within_64_bits
from tools.json_schema.schema_cost import cost_of, is_bearable
from tools.json_schema.undescribed_members import DescribedMembers
from tools.json_text import encode
from tools.operation import Failure, Json, Operation
from tools.plain_text import written_out

MAX_FAULTS = 10
MAX_SAID = 3
#: faults whose message looks for what was meant
MAX_SUGGESTED = 5
#: faults that are put into words where some of them may be passed over (a plan's places that are filled later)
MAX_LOOKED_AT = 50
#: Values times what each may be held against. The validator makes all faults at once, and each with every option that there was.
MAX_EFFORT = 2_000
#: the same where only whether there is a fault is asked
MAX_CHECKED = 2_000_000
#: the same where digits in texts are read as integers
MAX_MEANT = 15_000
#: schemas like the most, for which nobody has to count
_COMMON_COST = 100
#: of compiled schemas; each takes some twenty times its text, a common one 25 KB
MAX_COMPILED_BYTES = 96 * 1024 * 1024
_BYTES_PER_BYTE, _BYTES_EACH = 22, 2_000
_NESTED = frozenset({dict, list})


class _Compiled(NamedTuple):
    operation: Operation
    #: None: its schema is broken
    validator: jsonschema_rs.Validator | None
    #: schemas that one value is held against at most
    cost: int
    weight_bytes: int
    #: whether it takes arguments that it does not name
    is_open: bool
    described: DescribedMembers


class Admitted(NamedTuple):
    """Arguments as they are sent, and what their sender should know of them."""

    arguments: Mapping[str, Json]
    notes: tuple[str, ...]


class Validators:
    """Compiles each operation's input schema at its first use; a changed operation is a new object and compiles anew."""

    def __init__(self) -> None:
        #: (tenant id, operation id) -> what was compiled
        self._compiled: dict[tuple[str | None, str], _Compiled] = {}
        self.total_bytes = 0

    def admit(self, operation: Operation, arguments: Mapping[str, Json]) -> Admitted | Failure | None:
        """Return what is wrong with `arguments`; or what they are sent as where that differs or something is to be told; else None."""
        compiled = self._compiled_of(operation)
        notes: tuple[str, ...] = ()
        faults, is_mendable = _judged(compiled, arguments)
        if faults:
            if is_mendable:
                arguments, notes = _mended(compiled, arguments)
            if not notes or _judged(compiled, arguments, suggests=False)[0]:
                return _refusal(operation, faults)
        if operation.kind != "builtin" and (compiled.is_open or not _NESTED.isdisjoint(map(type, arguments.values()))):
            notes += compiled.described.notes(arguments, operation.input_schema, operation.id)
        return Admitted(arguments, notes) if notes else None

    def as_sent(self, operation: Operation, arguments: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return `arguments` with everything mended that can be."""
        compiled = self._compiled_of(operation)
        faults, is_mendable = _judged(compiled, arguments, suggests=False)
        return _mended(compiled, arguments)[0] if faults and is_mendable else arguments

    def refusal(self, operation: Operation, arguments: Mapping[str, Json]) -> Failure | None:
        """Return what is wrong with `arguments` as they are, every fault at once, or None."""
        faults = self.faults(operation, arguments)
        return _refusal(operation, faults) if faults else None

    def _compiled_of(self, operation: Operation) -> _Compiled:
        key = (operation.tenant_id, operation.id)
        compiled = self._compiled.get(key)
        if compiled is None or compiled.operation is not operation:
            compiled = self._compile(key, operation)
        return compiled

    def _compile(self, key: tuple[str | None, str], operation: Operation) -> _Compiled:
        schema = plain(operation.input_schema)
        weight = _BYTES_EACH + _BYTES_PER_BYTE * len(encode(schema))
        self._forget(key)
        # The oldest go; one that is still in use compiles again in a tenth of a millisecond.
        while self._compiled and self.total_bytes + weight > MAX_COMPILED_BYTES:
            self._forget(next(iter(self._compiled)))
        is_open = schema.get("additionalProperties") is not False
        compiled = self._compiled[key] = _Compiled(operation, compile_schema(schema), cost_of(schema), weight, is_open, DescribedMembers())
        self.total_bytes += weight
        return compiled

    def _forget(self, key: tuple[str | None, str]) -> None:
        if (gone := self._compiled.pop(key, None)) is not None:
            self.total_bytes -= gone.weight_bytes

    def faults(self, operation: Operation, arguments: Mapping[str, Json], *, suggests: bool = True) -> tuple[Fault, ...]:
        """Return the faults of `arguments`, in the order of the schema: all of a few values, the first ones of many."""
        return _judged(self._compiled_of(operation), arguments, suggests=suggests)[0]


def _judged(compiled: _Compiled, arguments: Mapping[str, Json], *, suggests: bool = True) -> tuple[tuple[Fault, ...], bool]:
    """Return the faults, and whether mending may help: what JSON cannot carry cannot be sent, however it is read."""
    try:
        raw = orjson.dumps(arguments)
    except TypeError:
        return _unsendable(arguments), False
    validator, cost = compiled.validator, compiled.cost
    if validator is None:
        return (), True
    if cost > _COMMON_COST and values_in(arguments, MAX_CHECKED // cost) * cost > MAX_CHECKED:
        return (_TOO_MANY,), True
    if validator.is_valid(arguments):
        return (), True
    if compiled.operation.kind == "openapi" and may_hold_big_integers(raw):
        schema = compiled.operation.input_schema
        arguments = meant(arguments, schema, schema.get("$defs", {}), within_64_bits, MAX_MEANT)
        if validator.is_valid(arguments):
            return (), True
    return _found(compiled, validator, arguments, suggests), True


def _mended(compiled: _Compiled, arguments: Mapping[str, Json]) -> tuple[Mapping[str, Json], tuple[str, ...]]:
    return (arguments, ()) if compiled.validator is None else served(compiled.operation, compiled.validator, compiled.cost, arguments)


def _refusal(operation: Operation, faults: tuple[Fault, ...]) -> Failure:
    more = f" (and {len(faults) - MAX_SAID} more, see faults)" if len(faults) > MAX_SAID else ""
    return Failure(
        code="invalid_arguments",
        message="; ".join(fault.message for fault in faults[:MAX_SAID]) + more,
        hint=_forms(operation, faults),
        faults=tuple(fault.as_json() for fault in faults[:MAX_FAULTS]),
    )


def _forms(operation: Operation, faults: tuple[Fault, ...]) -> str | None:
    """Return how the faulty arguments are written, from the signature: whoever called knows the rest of it."""
    members, required = operation.input_schema.get("properties", {}), operation.input_schema.get("required", ())
    definitions = Definitions(operation.input_schema.get("$defs", {}))
    named = dict.fromkeys(_first_name(fault.path, members) for fault in faults[:MAX_FAULTS])
    forms = [f"{name}{'' if name in required else '?'}: {type_of(members[name], definitions, WHOLE)}" for name in named if name in members]
    return written_out("; ".join(forms[:MAX_SAID])) or None


def _first_name(path: str, members: Mapping[str, Json]) -> str:
    """Return the argument that a fault is in. Its name may have dots and brackets itself."""
    whole = path.removeprefix("arguments.")
    return max((name for name in members if whole == name or whole.startswith((f"{name}.", f"{name}["))), key=len, default="")


def _found(compiled: _Compiled, validator: jsonschema_rs.Validator, arguments: Mapping[str, Json], suggests: bool) -> tuple[Fault, ...]:
    """Return the faults of arguments that have some."""
    operation = compiled.operation
    found = _bounded(validator, compiled.cost, operation.input_schema, arguments, suggests)
    return tuple(_exemplified(fault, operation) for fault in found)


def _bounded(
    validator: jsonschema_rs.Validator, cost: int, schema: Mapping[str, Json], arguments: Mapping[str, Json], suggests: bool
) -> Sequence[Fault]:
    """Return the faults of arguments that have some: of many values, those of a part."""
    small: tuple[Json, list[Cut]] | None = (arguments, [])
    if values_in(arguments, MAX_EFFORT // cost) * cost > MAX_EFFORT:
        small = narrowed(arguments, validator.is_valid, max(1, MAX_EFFORT // cost))
    if small is None:
        return (_SOMEWHERE,)
    given, cuts = small
    return [
        fault_of(error, schema, cuts, suggests=suggests and place < MAX_SUGGESTED)
        for place, error in enumerate(islice(validator.iter_errors(given), MAX_LOOKED_AT))
    ]


def faults_against(schema: Mapping[str, Json], value: Mapping[str, Json]) -> Sequence[Fault]:
    """Return the faults of a value that somebody sent against a schema of no operation, within the same bounds; none where it is broken."""
    validator, cost = compile_schema(schema), cost_of(schema)
    if validator is None:
        return ()
    if cost > _COMMON_COST and values_in(value, MAX_CHECKED // cost) * cost > MAX_CHECKED:
        return (_TOO_MANY,)
    return () if validator.is_valid(value) else _bounded(validator, cost, schema, value, suggests=True)


def _of_the_whole(message: str) -> Fault:
    return Fault("arguments", None, "fewer values", None, message)


_SOMEWHERE = _of_the_whole("arguments do not fit the schema, and are too many to say where; send a part of them to see")
_TOO_MANY = _of_the_whole("arguments hold more values than can be held against a schema as wide as this one; send fewer at once")


def _exemplified(fault: Fault, operation: Operation) -> Fault:
    """Return `fault` with the value that the operation's own example has there, where it fits: better than one made from a type."""
    name, example = fault.path.removeprefix("arguments."), operation.example or {}
    if name not in example or not fits(operation.input_schema.get("properties", {}).get(name), example[name]):
        return fault
    return replace(fault, example=example[name])


def _unsendable(arguments: Mapping[str, Json]) -> tuple[Fault, ...]:
    """Return a fault for each argument that JSON text cannot carry to an upstream, though a lenient parser let it in."""
    faults = []
    for name, value in arguments.items():
        try:
            orjson.dumps({name: value})
        except TypeError as error:
            reason = str(error)
            rule = (
                "a number within 64 bits; write the digits of a larger integer as text, and they are sent as the number"
                if "Integer" in reason
                else "nested less than 250 levels deep"
                if "ecursion" in reason
                else "text of whole Unicode characters, without lone surrogates"
            )
            where = _beyond_64_bits(value) if "Integer" in reason else ()
            path = path_of([_shown(name), *where])
            faults.append(Fault(path, None, rule, None, f"{path} must be {rule}"))
    return tuple(faults)


def _beyond_64_bits(value: Json) -> tuple[str | int, ...]:
    """Return where in `value` an integer beyond 64 bits stands, as steps."""
    pending: list[tuple[tuple[str | int, ...], Json]] = [((), value)]
    while pending:
        steps, here = pending.pop()
        if isinstance(here, int) and not -(2**63) <= here < 2**64:
            return steps
        if isinstance(here, Mapping):
            pending += [((*steps, _shown(name)), each) for name, each in here.items()]
        elif isinstance(here, list):
            pending += [((*steps, place), each) for place, each in enumerate(here)]
    return ()


def _shown(name: str) -> str:
    return written_out(name.encode(errors="replace").decode()[:60])


def compile_schema(schema: Mapping[str, Json]) -> jsonschema_rs.Validator | None:
    """Return a validator that never fetches anything, or None for a schema that is not one or never ends: the upstream then judges."""
    whole = plain(schema)
    if not is_bearable(whole):
        return None
    try:
        # Masked: it would write out each faulty value in its own message, 4 MB in 40 ms, and nobody reads that.
        return jsonschema_rs.validator_for(whole, validate_formats=True, formats=LOOSE, offline=True, mask="it")
    except (ValueError, jsonschema_rs.ReferencingError):
        return None
