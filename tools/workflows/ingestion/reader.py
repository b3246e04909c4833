"""Who reads a source: one run of a tenant at a time, so that calls keep the source's pace on any number of nodes."""

from tools.operation import Failure, Json
from tools.workflows.errors import PermanentFault
from tools.workflows.run import Writes

#: a reader that is silent for so long is believed dead; longer than a page may take with all its waits
LEASE_US = 20 * 60 * 1_000_000


def hold(writes: Writes, source: str, run_id: str) -> bool:
    """Say whether this run reads the source from now on, or still; else another does."""
    mark, now_us = f"{source}/reader", writes.context.now_us
    held: Json = writes.marks.get(mark)
    if held is not None and held["run"] != run_id and held["until_us"] > now_us:
        return False
    writes.marks.put(mark, {"run": run_id, "until_us": now_us + LEASE_US})
    return True


def keep_hold(writes: Writes, source: str, run_id: str) -> None:
    """Go on reading. Raises PermanentFault where another run took over meanwhile: what it reads must not be undone."""
    if not hold(writes, source, run_id):
        message = f"another run reads {source} now, because this one was silent for {LEASE_US // 60_000_000} minutes"
        raise PermanentFault(Failure("conflict", message, hint="let it go on; the next window has what this one would have read"))


def let_go(writes: Writes, source: str, run_id: str) -> Json:
    """Let another run read."""
    held: Json = writes.marks.get(f"{source}/reader")
    if held is not None and held["run"] == run_id:
        writes.marks.put(f"{source}/reader", None)
    return None
