"""What a person is asked before something runs that cannot simply be taken back: what it is, where it goes, and with which values."""

from collections.abc import Mapping, Sequence

from tools.catalog.operation_names import done_by
from tools.catalog.verbs import leads_of, singular, words_of
from tools.json_schema.argument_faults import shown
from tools.operation import Call, Json, Operation
from tools.plain_text import written_out

MAX_VALUES = 12
MAX_NAME_CHARS = 60
MAX_STEPS = 12
_DELETING = frozenset(["delete", "destroy", "purge", "erase", "wipe", "truncate", "expunge", "prune", "discard"])
_ENDING = frozenset(["cancel", "void", "revoke", "invalidate", "terminate", "expire"])
_PAYING = frozenset(["refund", "payout", "disburse", "withdraw", "transfer", "pay"])
_PAYMENTS = frozenset(["refund", "payout", "withdrawal", "disbursement", "transfer"])
#: what is deleted here is a tie between two things, which another call makes again
_TIES = frozenset(["pin", "ban", "reaction", "star", "like", "follower", "subscription", "member", "role", "tag", "label", "vote"])
GONE = "It cannot be undone"
ENDED = "What it ends stays ended"
PAID = "Money that has left does not come back by itself"
AT_ONCE = "It takes effect at once; only another call takes it back"


def question(call: Call) -> str:
    """Return what the person is asked about one call; secrets are not shown."""
    account = f" in the account '{call.options.account}'" if call.options.account else ""
    return f"{_what(call.operation)} with {_values(call.arguments)}{account}? {afterwards(call.operation)}"


def plan_question(steps: Sequence[tuple[str, Operation, Mapping[str, Json] | None, str]]) -> str:
    """Return what the person is asked about a plan: each destructive step (id, operation, arguments where known, how often it runs)."""
    told = []
    for step_id, operation, arguments, repeated in steps[:MAX_STEPS]:
        head = "" if step_id == operation.id else f"{step_id}: "
        values = "" if arguments is None else f" with {_values(arguments)}"
        told.append(f"{head}{_what(operation)}{values}{repeated}")
    if len(steps) > MAX_STEPS:
        told.append(f"and {len(steps) - MAX_STEPS} more steps of this kind")
    words = {afterwards(operation) for _, operation, _, _ in steps}
    return f"{'; '.join(told)}. Run exactly this plan? {words.pop() if len(words) == 1 else 'Not all of it can be undone'}"


def afterwards(operation: Operation) -> str:
    """Return whether what the operation does can be taken back: what it says so itself, else by what it does."""
    said: str | None = operation.binding.get("afterwards")
    if said:
        return said
    # An operation of the gateway itself may have one word for all of it.
    *named, verb = operation.id.split(".")
    things = named[1:]
    done = done_by(verb)
    leads = set(leads_of(operation.summary)[:1]) | {done}
    thing = singular(words_of(things[-1])[-1]) if things and words_of(things[-1]) else ""
    if leads & _PAYING or (thing in _PAYMENTS and not leads & (_DELETING | _ENDING)):
        return PAID
    if leads & _ENDING:
        return ENDED
    return GONE if leads & _DELETING and thing not in _TIES else AT_ONCE


def _what(operation: Operation) -> str:
    method, path = operation.binding.get("method"), operation.binding.get("path")
    sent = f": {method} {path}" if method and path else ""
    return written_out(f"{(operation.summary or operation.title).rstrip('. ')} ({operation.id}{sent})")


def _values(arguments: Mapping[str, Json]) -> str:
    told = [f"{written_out(name[:MAX_NAME_CHARS])}: {_value(name, value)}" for name, value in list(arguments.items())[:MAX_VALUES]]
    if len(arguments) > MAX_VALUES:
        told.append(f"and {len(arguments) - MAX_VALUES} more")
    return ", ".join(told) or "no arguments"


def _value(name: str, value: Json) -> Json:
    told = shown(value, name)
    return written_out(told) if isinstance(told, str) else told
