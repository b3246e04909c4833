"""What is wrong with what a run is given."""

from collections.abc import Mapping, Sequence

from tools.dispatch.arguments import MAX_FAULTS, faults_against
from tools.json_schema.argument_faults import Fault
from tools.operation import Json


def given_faults(schema: Mapping[str, Json], given: Mapping[str, Json]) -> Sequence[Fault]:
    """Return the faults of `given`, in the order of the schema; none where the schema itself is broken.

    Of many values, those of a part that has some: whoever may start a run must not hold up all others with what is wrong with it.
    """
    return faults_against(schema, given)[:MAX_FAULTS]
