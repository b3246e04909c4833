"""Numbers as providers report them, made safe: they are money, and some lie."""

from collections.abc import Mapping

from tools.operation import Json

#: above what any call uses, below what a column of a database takes
_MOST = 10**12


def count(report: Json, *names: str) -> int:
    """Return the first of these members that is a number of tokens; 0 where none is."""
    if not isinstance(report, Mapping):
        return 0
    for name in names:
        value = report.get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return min(value, _MOST)
    return 0


def says(report: Json, *names: str) -> bool:
    """Say whether a report has one of these members: an empty one, or null, says nothing."""
    return isinstance(report, Mapping) and any(isinstance(report.get(name), int | float) for name in names)
