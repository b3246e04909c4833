"""What running an operation may do: its access tier and whether repeating it is harmless, from method and words."""

import re

from tools.operation import Access
from tools.words import VERB_BY_WORD, spoken_in, words_of

#: RFC 9110 §9.2.1, and the safe ones among those registered since: QUERY, and of WebDAV (RFC 4918, 3253, 5323)
SAFE_METHODS = frozenset({"get", "head", "options", "trace", "query", "propfind", "report", "search"})
IDEMPOTENT_METHODS = SAFE_METHODS | {"put", "delete"}
_READING = """
get list search find query lookup count fetch read retrieve show describe view check test validate verify preview browse export info history
exists
"""
_DESTROYING = """
delete remove destroy purge erase wipe revoke terminate drop clear uninstall kick expunge cancel kill ban
truncate discard prune
"""
_CHANGING = """
create add update set send post upload insert edit modify start stop join leave invite approve publish rename run trigger
reset reboot restart register deregister purchase authorize restore copy enable disable associate disassociate attach detach resize rotate
pause resume shutdown insert patch put
"""
#: what a POST may be without changing anything; `…/messages/{id}/read` marks, `…/webhooks/{id}/test` sends
_ASKING = "get list search find query lookup count fetch retrieve describe check validate preview browse info history exists"
READING = frozenset(_READING.split())
DESTROYING = frozenset(_DESTROYING.split())
CHANGING = frozenset(_CHANGING.split())
ASKING = frozenset(_ASKING.split())


def access_of(method: str, verb: str, operation_id: str | None, path: str = "") -> Access:
    """Return the tier: read, write, or destructive for what cannot be taken back.

    The method decides; a word overrules it where it says otherwise: POST …/search reads, POST …/delete and GET …/delete destroy.
    The words are the verb of our name, the first of each part of the operationId, its last, and the last segment of the path.
    """
    if method == "delete":
        return "destructive"
    first = (_said(words_of(verb), method) or [""])[0]
    parts = [_said(part, method) for part in spoken_in(operation_id or "")]
    said = {part[0] for part in parts if part} | {part[-1] for part in parts[-1:] if part}
    if method in SAFE_METHODS:
        if {first, *said} & READING and first not in DESTROYING:
            return "read"
        if {first, *said} & DESTROYING:
            return "destructive"
        return "write" if first in CHANGING or (parts and parts[0][0] in CHANGING) else "read"
    if {first, method, *said, *_last_said(path)} & DESTROYING:
        return "destructive"
    return "read" if method == "post" and first in ASKING else "write"


def _last_said(path: str) -> list[str]:
    """Return the first and the last word of the last segment that is no parameter: `…/removeContact/{id}`."""
    literals = [segment for segment in path.partition("?")[0].split("/") if segment and not segment.startswith(("{", ":"))]
    words = words_of(re.sub(r"\{[^}]*\}", "", literals[-1])) if literals else []
    return [*words[:1], *words[-1:]]


def _said(words: list[str], method: str) -> list[str]:
    """Return words from the one that says what is done: `batch_delete_images` deletes, `post_describe_image` describes."""
    while len(words) > 1 and (words[0] in ("batch", "bulk", "do", "async") or (words[0] == method and words[1] in VERB_BY_WORD)):
        words = words[1:]
    return words


def is_idempotent(method: str, access: Access) -> bool:
    """Say whether a second identical call leaves things as one does (RFC 9110 §9.2.2): a POST that reads does, a GET that writes not."""
    return access == "read" or (method in IDEMPOTENT_METHODS and not (method in SAFE_METHODS and access == "write"))
