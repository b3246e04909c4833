"""No member comes twice in a JSON object that we take: parsers differ in which of them counts (RFC 8259 §4).

Most bodies are cleared by counting: what could be the colon of a member, in the text, against the members that the parser found. Only
a body that has more of them is looked at object by object.
"""

import json
from collections import Counter
from typing import Any

from tools.heavy_json.weight import outside_in_turns, outside_strings, without_escapes
from tools.operation import Json

#: every white space of JSON as a blank, and every digit as a zero, which spares who looks for long numbers a second pass
BLANKS_AND_ZEROS = bytes.maketrans(b"\t\n\r123456789", b"   000000000")


#: of a larger body the name that came twice is said without its escapes
MAX_READ_BYTES = 256 * 1024


class RepeatedName(ValueError):
    """Its argument is the name that came twice."""


def may_repeat(flat: bytes, names: int) -> bool:
    """Say whether `flat`, a body after BLANKS_AND_ZEROS, may hold more members than the `names` that its parser found.

    A member's colon follows a quote or white space. A string may hold the like of it, too; that is why this is no proof.
    """
    return flat.count(b'":') + flat.count(b" :") != names


def names_in(value: Json) -> int:
    """Return how many members all objects in `value` have."""
    names, waiting = 0, [value]
    while waiting:
        part = waiting.pop()
        if type(part) is dict:
            names += len(part)
            waiting.extend(part.values())
        elif type(part) is list:
            waiting.extend(part)
    return names


def repeated_name(body: bytes, flat: bytes, names: int) -> str | None:
    """Return a name that an object of `body` has twice, or None. `flat` and `names`: see `may_repeat`."""
    # decision 0018: the count clears most bodies; whatever it does not clear is read in full.
    if not may_repeat(flat, names):
        return None
    bare = without_escapes(body)
    return None if outside_strings(bare).count(b":") == names else _found(body, bare)


async def repeated_name_in_turns(body: bytes, names: int) -> str | None:
    """Return what `repeated_name` does of a body of any size; others have a turn between its parts."""
    colons = 0
    async for outside in outside_in_turns(body):
        colons += outside.count(b":")
    return None if colons == names else _found(body, without_escapes(body))


def _found(body: bytes, bare: bytes) -> str | None:
    # Nor does this read what texts say: of millions of escapes the parser would make a text for as long as everybody waits.
    try:
        json.loads(body if len(body) <= MAX_READ_BYTES else bare, object_pairs_hook=_unique)
    except RepeatedName as error:
        return str(error)
    except RecursionError:
        return None  # Nothing takes arguments that are nested so deeply (tools/dispatch/arguments.py).
    return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise RepeatedName(counts.most_common(1)[0][0])
    return found
