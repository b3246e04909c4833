"""The other end of a pool of children: reads work from the input, answers on the output, holds no secret."""

import gc
import os
import select
import sys
from collections.abc import Callable, Sequence

from tools.child_processes.limits import ProcessLimits
from tools.child_processes.messages import Part, receive, send


def serve(answer: Callable[[list[bytes]], Sequence[Part]], limits: ProcessLimits) -> None:
    """Answer message after message, within `limits`, until the input ends or nobody asks for a while."""
    try:
        _serve(answer, limits)
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(0)


def _serve(answer: Callable[[list[bytes]], Sequence[Part]], limits: ProcessLimits) -> None:
    given, answers = os.fdopen(0, "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not write among the answers
    limits.take_hold()
    # What one piece of work makes goes with it; only what it left in circles is looked for, when nobody waits.
    gc.disable()
    gc.freeze()
    while select.select([given], [], [], limits.idle_s)[0]:
        work = receive(given)
        if work is None:
            return
        limits.begin_work()
        send(answers, answer(work))
        del work
        gc.collect()
