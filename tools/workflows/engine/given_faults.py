"""What is wrong with what a run is given, all at once."""

from collections.abc import Mapping, Sequence
from itertools import islice

from tools.dispatch.arguments import MAX_FAULTS, compile_schema
from tools.json_schema.argument_faults import Fault, fault_of
from tools.operation import Json


def given_faults(schema: Mapping[str, Json], given: Mapping[str, Json]) -> Sequence[Fault]:
    """Return the faults of `given`, in the order of the schema; none where the schema itself is broken."""
    validator = compile_schema(schema)
    if validator is None or validator.is_valid(given):
        return ()
    return [fault_of(error, schema) for error in islice(validator.iter_errors(given), MAX_FAULTS)]
