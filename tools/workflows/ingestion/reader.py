"""Who reads a source: one run of a tenant at a time, so that calls keep the source's pace on any number of nodes.

The mark `SOURCE/reader` names the run that read last, and stays when that has ended. Nothing has to let go of it: a run that is over holds
nobody up, however it ended, and one that is resumed goes on only while nobody else has read since.
"""

from tools.operation import Failure, Json
from tools.workflows.errors import PermanentFault
from tools.workflows.run import Writes

#: a reader that is silent for so long is believed dead; longer than a page may take with all its waits
LEASE_US = 20 * 60 * 1_000_000


def hold(writes: Writes, source: str, run_id: str) -> bool:
    """Say whether this run reads the source from now on; False while another does, which is open and was heard of in the last LEASE_US."""
    # The tenant's context first: whoever writes in it waits here for the others, so of two runs one sees what the other put.
    now_us, mark = writes.context.now_us, f"{source}/reader"
    held: Json = writes.marks.get(mark)
    if held is not None and held["run"] != run_id and held["until_us"] > now_us and writes.is_open(held["run"]):
        return False
    writes.marks.put(mark, {"run": run_id, "until_us": now_us + LEASE_US})
    return True


def keep_hold(writes: Writes, source: str, run_id: str) -> None:
    """Go on reading. Raises PermanentFault where another run has read since, ended or not: older pages must not undo what it found."""
    now_us, mark = writes.context.now_us, f"{source}/reader"
    held: Json = writes.marks.get(mark)
    if held is not None and held["run"] != run_id:
        message = f"run {held['run']} has read {source} since this one, which was silent for long or had ended"
        raise PermanentFault(Failure("conflict", message, hint="start a new run: it reads what this one would have"))
    writes.marks.put(mark, {"run": run_id, "until_us": now_us + LEASE_US})
