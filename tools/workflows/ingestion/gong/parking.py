"""Calls that wait for what Gong does not have yet: asked for again, later each time, six times at the most."""

from collections.abc import Collection, Mapping, Sequence

from tools.operation import Json
from tools.workflows.ingestion.gong.call_item import SOURCE
from tools.workflows.ingestion.gong.read_call import ReadCall
from tools.workflows.ingestion.item import Item
from tools.workflows.ingestion.staging import stage
from tools.workflows.ingestion.taking_in import forget_items
from tools.workflows.run import Writes

PARKED = f"{SOURCE}/parked"
MAX_TRIES = 6
_HOUR_US = 3600 * 1_000_000
#: after each try in vain; together some two days
_WAITS_US = (_HOUR_US // 4, _HOUR_US, 4 * _HOUR_US, 12 * _HOUR_US, 24 * _HOUR_US)
#: of one tenant; Gong has not that many calls in two days
MAX_PARKED = 20_000
MAX_DUE = 2_000


def settle(writes: Writes, calls: Sequence[ReadCall], now_us: int, run_id: str) -> dict[str, int]:
    """Have calls that are all there taken in, and park the others. What nobody may see any more is forgotten. Say how many of each."""
    parked: dict[str, Json] = writes.marks.get(PARKED) or {}
    on_record = writes.context.versions_of(SOURCE, [call.call_id for call in calls])
    counts = {"calls": len(calls), "parked": 0, "gave_up": 0, "withheld": 0, "unreadable": 0}
    ready: list[Item] = []
    hidden: list[str] = []
    for call in calls:
        if call.is_withheld and (call.is_complete or call.call_id in on_record):
            counts["withheld"] += 1
            parked.pop(call.call_id, None)
            hidden += [call.call_id] if call.call_id in on_record else []
        elif not call.is_complete and call.call_id in on_record and not call.has_transcript:
            continue  # What is there is more than this.
        elif not call.is_complete and _waits(parked, call.call_id, now_us):
            counts["parked"] += 1
        else:
            counts["gave_up"] += not call.is_complete
            parked.pop(call.call_id, None)
            counts["unreadable"] += call.item is None and not call.is_withheld
            ready += [call.item] if call.item is not None else []
    forget_items(writes, SOURCE, hidden, run_id)
    writes.marks.put(PARKED, parked or None)
    return {**counts, "enqueued": stage(writes, ready)}


def due(parked: Mapping[str, Json], now_us: int) -> list[str]:
    """Return the parked calls whose time has come, as many as one run asks for again."""
    return [call_id for call_id, waits in parked.items() if waits["next_us"] <= now_us][:MAX_DUE]


def forget_parked(writes: Writes, call_ids: Collection[str]) -> None:
    """Wait no longer for calls that Gong does not show any more."""
    parked: dict[str, Json] = writes.marks.get(PARKED) or {}
    left = {call_id: waits for call_id, waits in parked.items() if call_id not in call_ids}
    if len(left) < len(parked):
        writes.marks.put(PARKED, left or None)


def _waits(parked: dict[str, Json], call_id: str, now_us: int) -> bool:
    """Note a try in vain, if its time had come; False where there have been enough."""
    waits = parked.get(call_id)
    if waits is None:
        if len(parked) >= MAX_PARKED:
            return False
        parked[call_id] = {"tries": 1, "next_us": now_us + _WAITS_US[0]}
        return True
    if waits["next_us"] > now_us:
        return True
    if waits["tries"] + 1 >= MAX_TRIES:
        return False
    parked[call_id] = {"tries": waits["tries"] + 1, "next_us": now_us + _WAITS_US[waits["tries"]]}
    return True
