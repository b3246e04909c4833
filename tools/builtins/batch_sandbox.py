"""What the sandbox allows one piece of code, and what its errors mean."""

from typing import Any

from tools.operation import Failure

MAX_MEMORY_BYTES = 64 * 1024 * 1024
#: of computing; waiting for operations does not count
MAX_COMPUTE_S = 5.0
MAX_PRINTED_BYTES = 16_000

#: words of the sandbox about a limit that no line of the code is to blame for -> ours
_LIMITS = {
    "feed time limit": f"the code computed for more than {MAX_COMPUTE_S:.0f} s",
    f"> {MAX_PRINTED_BYTES} bytes": f"the code printed more than {MAX_PRINTED_BYTES} bytes",
    f"> {MAX_MEMORY_BYTES} bytes": f"the code needed more than {MAX_MEMORY_BYTES >> 20} MB of memory",
}


def failure_of_code(error: Any) -> Failure:
    """Return what ended the code: the line that is to blame and its exception, or the limit."""
    frames = error.traceback()
    said = error.display("type-msg")
    if not frames and (own := next((own for theirs, own in _LIMITS.items() if theirs in said), None)):
        return Failure("code_failed", own, hint="do less in one run; writes that got through are not sent twice")
    where = f"line {frames[-1].line}: " if frames else ""
    return Failure("code_failed", f"{where}{said[:1000]}", hint="operations raise RuntimeError, which the code may catch")
