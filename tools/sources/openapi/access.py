"""What running an operation may do: its access tier and whether repeating it is harmless, from method and words."""

import re
from collections.abc import Collection, Sequence

from tools.catalog.verbs import changes, leads_of, repeats_method, singular, spoken_in, words_of
from tools.operation import Access

#: RFC 9110 §9.2.1, and the safe ones among those registered since: QUERY, and of WebDAV (RFC 4918, 3253, 5323)
SAFE_METHODS = frozenset({"get", "head", "options", "trace", "query", "propfind", "report", "search"})
IDEMPOTENT_METHODS = SAFE_METHODS | {"put", "delete"}
_READING = """
get list search find query lookup count fetch read retrieve show describe view check test validate verify preview browse export info history
exists
"""
_DESTROYING = """
delete remove destroy purge erase wipe revoke terminate drop clear uninstall kick expunge cancel kill ban
truncate discard prune void disable deactivate invalidate unsubscribe expire
"""
#: what a GET opens to a program that runs
_SESSIONS = frozenset({"exec", "attach", "portforward"})
#: money that was sent does not come back by another call
_PAYING = frozenset({"refund", "payout", "disburse", "withdraw"})
_PAYS_OUT = re.compile(r"\W*pays? out\b", re.IGNORECASE)
_PAYMENTS = frozenset({"refund", "payout", "withdrawal", "disbursement"})
_GIVING = frozenset({"create", "add", "send", "post", "make", "issue", "initiate", "submit", "execute", "start", "run", "process", "put"})
_MONEY = re.compile(r"\b(?:money|funds?|payments?|balances?|bank|payouts?|cash|ach|wire|currency|amount)\b", re.IGNORECASE)
#: first words of a description that leave no doubt
PLAIN = frozenset({"delete", "remove", "destroy", "purge", "erase", "wipe", "revoke", "terminate", "uninstall", "truncate"})
#: begin other sentences, too: "Kicks off a run"
_ELSEWISE = frozenset({"kick", "drop", "clear"})
#: what a description begins with that is neither of a GET that destroys nor of a call that only speaks of destroying
_HARMLESS = frozenset(
    {"get", "list", "retrieve", "fetch", "search", "find", "show", "describe", "return", "read", "view", "update", "edit"}
)
_CHANGING = """
create add update set send post upload insert edit modify start stop join leave invite approve publish rename run trigger
reset reboot restart register deregister purchase authorize restore copy enable disable associate disassociate attach detach resize rotate
pause resume shutdown insert patch put
"""
#: what a POST may be without changing anything; `…/messages/{id}/read` marks, `…/webhooks/{id}/test` sends
_ASKING = "get list search find query lookup count fetch retrieve describe check validate preview browse info history exists"
_READS = _HARMLESS - {"update", "edit"}
READING = frozenset(_READING.split())
DESTROYING = frozenset(_DESTROYING.split())
CHANGING = frozenset(_CHANGING.split())
ASKING = frozenset(_ASKING.split())


def access_of(
    method: str, verb: str, operation_id: str | None, path: str = "", texts: Sequence[str] = (), arguments: Collection[str] = ()
) -> Access:
    """Return the tier: read, write, or destructive for what cannot be taken back, money that leaves included.

    The method decides; a word overrules it where it says otherwise: POST …/search reads, POST …/delete and GET …/delete destroy.
    The words are the verb of our name, the first of each part of the operationId, its last, the last segment of the path, and the
    verbs that `texts` (summary and description) begin with.
    """
    if method == "delete":
        return "destructive"
    first = (_said(words_of(verb), method) or [""])[0]
    parts = [_said(part, method) for part in spoken_in(operation_id or "")]
    said = {part[0] for part in parts if part} | {part[-1] for part in parts[-1:] if part}
    leads = [lead for text in texts for lead in leads_of(text)]
    if method in SAFE_METHODS:
        if _SESSIONS.intersection(_last_said(path)) and not _READS.intersection(leads[:1]):
            return "write"
        if {first, *said} & READING and first not in DESTROYING:
            return "read"
        if _HARMLESS.isdisjoint(leads) and {first, *said} & DESTROYING:
            return "destructive"
        changing = first in CHANGING or (parts and parts[0][0] in CHANGING) or (changes(first) and first in leads)
        return "write" if changing and not _READS.intersection(leads[:1]) else "read"
    # `mail_settings/bounce_purge` is a thing where its description says that it is updated.
    last_said = _last_said(path) if not leads or leads[0] not in _HARMLESS else []
    if {first, method, *said, *last_said} & DESTROYING or _destroys(texts) or _pays(method, first, path, leads, texts, arguments):
        return "destructive"
    return "read" if method == "post" and first in ASKING else "write"


def _destroys(texts: Sequence[str]) -> bool:
    """Say whether a description begins so: "Deletes …", "Creates or deletes …"; what enables or disables is a switch."""
    begun = [leads_of(text) for text in texts]
    return any(PLAIN.intersection(leads) or DESTROYING.difference(_ELSEWISE).intersection(leads[:1]) for leads in begun)


def _pays(method: str, first: str, path: str, leads: Sequence[str], texts: Sequence[str], arguments: Collection[str]) -> bool:
    """Say whether money leaves: `…/refund`, POST /payouts, POST /transfers of an amount."""
    if method not in ("post", "put") or first in READING:
        return False
    if first in _PAYING or _PAYING.intersection(leads[:1]) or any(_PAYS_OUT.match(text) for text in texts):
        return True
    segments = path.partition("?")[0].rstrip("/").split("/")
    literals = [segment for segment in segments if segment and not segment.startswith(("{", ":"))]
    if literals and (first in words_of(literals[-1])[:1]) and len(literals) > 1:
        # /transfer/refund/create
        literals = literals[:-1]
    elif segments[-1].startswith(("{", ":")) or first not in _GIVING or (leads and leads[0] not in _GIVING):
        return first == "transfer" and _is_of_money(texts, arguments)
    thing = singular((words_of(literals[-1]) or [""])[-1]) if literals else ""
    if thing in _PAYMENTS:
        return first in _GIVING
    return (first == "transfer" or (thing == "transfer" and first in _GIVING)) and _is_of_money(texts, arguments)


def _is_of_money(texts: Sequence[str], arguments: Collection[str]) -> bool:
    return any("amount" in words_of(name) for name in arguments) or any(_MONEY.search(text) for text in texts)


def _last_said(path: str) -> list[str]:
    """Return the first and the last word of the last segment that is no parameter: `…/removeContact/{id}`."""
    literals = [segment for segment in path.partition("?")[0].split("/") if segment and not segment.startswith(("{", ":"))]
    words = words_of(re.sub(r"\{[^}]*\}", "", literals[-1])) if literals else []
    return [*words[:1], *words[-1:]]


def _said(words: list[str], method: str) -> list[str]:
    """Return words from the one that says what is done: `batch_delete_images` deletes, `post_describe_image` describes."""
    while len(words) > 1 and (words[0] in ("batch", "bulk", "do", "async") or (words[0] == method and repeats_method(method, words[1]))):
        words = words[1:]
    return words


def is_idempotent(method: str, access: Access) -> bool:
    """Say whether a second identical call leaves things as one does (RFC 9110 §9.2.2): a POST that reads does, a GET that writes not."""
    return access == "read" or (method in IDEMPOTENT_METHODS and not (method in SAFE_METHODS and access == "write"))
