"""What running an operation may do: its access tier and whether repeating it is harmless, from method and words."""

from tools.naming import words_of
from tools.operation import Access

SAFE_METHODS = frozenset({"get", "head", "options", "trace"})
IDEMPOTENT_METHODS = frozenset({"get", "head", "options", "trace", "put", "delete"})
_READING = """
get list search find query lookup count fetch read retrieve show describe view check test validate verify preview browse export info history
exists
"""
_DESTROYING = """
delete remove destroy purge erase wipe revoke terminate drop clear uninstall kick expunge cancel kill ban
truncate discard
"""
_CHANGING = """
create add update set send post upload insert edit modify start stop join leave invite approve publish rename run trigger
"""
READING = frozenset(_READING.split())
DESTROYING = frozenset(_DESTROYING.split())
CHANGING = frozenset(_CHANGING.split())


def access_of(method: str, verb: str, operation_id: str | None) -> Access:
    """Return the tier: read, write, or destructive for what cannot be taken back.

    The method decides; a word overrules it where it says otherwise: POST …/search reads, POST …/delete and GET …/delete destroy.
    """
    spoken = words_of(verb)
    first = spoken[0] if spoken else ""
    identifier = words_of(operation_id or "")
    edges = {*identifier[:1], *identifier[-1:], first}
    if method == "delete":
        return "destructive"
    if method in SAFE_METHODS:
        if first in DESTROYING:
            return "destructive"
        return "write" if first in CHANGING and not edges & READING else "read"
    if first in DESTROYING or (identifier and identifier[0] in DESTROYING):
        return "destructive"
    if method == "post" and first in READING:
        return "read"
    return "write"


def is_idempotent(method: str, access: Access) -> bool:
    """Say whether a second identical call leaves things as one does (RFC 9110 §9.2.2); a POST that only reads does."""
    return method in IDEMPOTENT_METHODS or access == "read"
