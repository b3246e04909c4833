"""Keys of runs that the gateway starts for itself: by a slot of a schedule, by an event of a webhook.

Such a key is made of what others know or guess (a schedule's next slot, the id that a sender counts up), and the run that has it first
is the one that counts. So nobody else may give one: who did would take a slot's or an event's place, or see what came.
"""

import re
from datetime import UTC, datetime

_MARK_CHARS = 32
_SLOT = re.compile(r"[^@:]+@\d{8}T\d{6}(?:\.\d{6})?Z")
_DELIVERY = re.compile(r"[^@:]+@[0-9a-f]{32}(?:-r\d+)?")


def slot_key(schedule: str, slot_us: int) -> str:
    """Return the key of a slot's run: the same on every node, so that they all start the same run."""
    slot = datetime.fromtimestamp(slot_us / 1_000_000, UTC)
    return f"{schedule}@{slot:%Y%m%dT%H%M%S}" + (f".{slot.microsecond:06}Z" if slot.microsecond else "Z")


def delivery_key(source: str, event_mark: str, replays: int) -> str:
    """Return the key of an event's run: the same wherever and whenever it comes, another one for each replay."""
    return f"{source}@{event_mark[:_MARK_CHARS]}" + (f"-r{replays}" if replays else "")


def is_slot_key(key: str) -> bool:
    return _SLOT.fullmatch(key) is not None


def is_delivery_key(key: str) -> bool:
    return _DELIVERY.fullmatch(key) is not None


def key_of(run_id: str) -> str:
    """Return the key of `tenant:workflow:key`."""
    return run_id.rpartition(":")[2]
