"""Names that an expression reads, held against the schema of what it reads them from."""

from collections.abc import Iterable

from tools.expressions.reads import Miss, Read
from tools.json_schema.value_types import Absent, Known, step, walk


def missed_by(reads: Iterable[Read], known: Known) -> list[Miss]:
    """Return the reads that a schema rules out."""
    missed = []
    for read in reads:
        there = walk(known, read.path, "") if read.path is not None else None
        if isinstance(there, Known) and isinstance(found := step(there, read.name, read.of or "the answer"), Absent):
            missed.append(Miss(read, found.has, "" if found.has else found.why))
    return missed


def lists(known: Known, read: Read) -> bool:
    """Say whether a schema names what is read: then it may be absent, and its absence is no mistake."""
    return read.path is not None and isinstance(walk(known, (*read.path, read.name), ""), Known)
