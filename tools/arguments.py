"""Are these arguments what the operation takes? Validation with messages that a model can act on."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice

import jsonschema_rs
import orjson

from tools.argument_faults import Fault, fault_of, path_of
from tools.kept_json import plain
from tools.operation import Failure, Json, Operation

MAX_FAULTS = 10
MAX_SAID = 3
MAX_LOOKED_AT = 200
#: a compiled schema takes some 25 KB
MAX_COMPILED = 4_000


class Validators:
    """Compiles each operation's input schema at its first use; a changed operation is a new object and compiles anew."""

    def __init__(self) -> None:
        #: (tenant id, operation id) -> the operation it was compiled for, and its validator (None: its schema is broken)
        self._compiled: dict[tuple[str | None, str], tuple[Operation, jsonschema_rs.Validator | None]] = {}

    def refusal(self, operation: Operation, arguments: Mapping[str, Json]) -> Failure | None:
        """Return what is wrong with `arguments`, every fault at once, or None."""
        faults = self.faults(operation, arguments)
        if not faults:
            return None
        more = f" (and {len(faults) - MAX_SAID} more, see faults)" if len(faults) > MAX_SAID else ""
        return Failure(
            code="invalid_arguments",
            message="; ".join(fault.message for fault in faults[:MAX_SAID]) + more,
            hint=f"signature: {operation.signature}",
            faults=tuple(fault.as_json() for fault in faults[:MAX_FAULTS]),
        )

    def faults(self, operation: Operation, arguments: Mapping[str, Json]) -> tuple[Fault, ...]:
        """Return every fault of `arguments`, in the order of the schema."""
        try:
            orjson.dumps(arguments)
        except TypeError:
            return _unsendable(arguments)
        key = (operation.tenant_id, operation.id)
        compiled = self._compiled.get(key)
        if compiled is None or compiled[0] is not operation:
            if len(self._compiled) >= MAX_COMPILED:
                # The oldest; one that is still in use compiles again in a tenth of a millisecond.
                self._compiled.pop(next(iter(self._compiled)))
            compiled = self._compiled[key] = (operation, compile_schema(operation.input_schema))
        validator = compiled[1]
        if validator is None or validator.is_valid(arguments):
            return ()
        # A body of 4 MiB holds 100,000 faults; nobody waits for all of them.
        errors = islice(validator.iter_errors(arguments), MAX_LOOKED_AT)
        found = (fault_of(error, operation.input_schema) for error in errors)
        return tuple(_exemplified(fault, operation.example or {}) for fault in found)


def _exemplified(fault: Fault, example: Mapping[str, Json]) -> Fault:
    """Return `fault` with the value that the operation's own example has there: better than one made from a type."""
    name = fault.path.removeprefix("arguments.")
    return replace(fault, example=example[name]) if name in example else fault


def _unsendable(arguments: Mapping[str, Json]) -> tuple[Fault, ...]:
    """Return a fault for each argument that JSON text cannot carry to an upstream, though a lenient parser let it in."""
    faults = []
    for name, value in arguments.items():
        try:
            orjson.dumps({name: value})
        except TypeError as error:
            reason = str(error)
            rule = (
                "a number within 64 bits; send a larger one as text"
                if "Integer" in reason
                else "nested less than 250 levels deep"
                if "ecursion" in reason
                else "text of whole Unicode characters, without lone surrogates"
            )
            path = path_of([name.encode(errors="replace").decode()[:60]])
            faults.append(Fault(path, None, rule, None, f"{path} must be {rule}"))
    return tuple(faults)


def compile_schema(schema: Mapping[str, Json]) -> jsonschema_rs.Validator | None:
    """Return a validator that never fetches anything, or None for a schema that is not one: the upstream then judges."""
    try:
        return jsonschema_rs.validator_for(plain(schema), validate_formats=True, offline=True)
    except (ValueError, jsonschema_rs.ReferencingError):
        return None
