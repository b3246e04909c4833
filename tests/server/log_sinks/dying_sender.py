"""A process that sends what there is: `python -m tests.server.log_sinks.dying_sender FOLDER|URL SINK STRIDE`.

In children, one after the other, each killed (SIGKILL) STRIDE steps later than the one before: before and after each statement, before the
commit, before and after each request. It ends when a child has sent all there was.
"""

import os
import signal
import sys
import traceback
from itertools import count
from pathlib import Path
from typing import NoReturn

import anyio
import orjson
from sqlalchemy import event
from sqlalchemy.engine import Engine

from server.config_versions.sections.sinks import LogSink
from tests.server.log_sinks.senders import opened_senders, sink
from tests.waiting import until
from tools.egress.client import Egress

#: so short that whoever comes next need not wait
LEASE_S = 0.02


def main(folder: Path | str, said: str, stride: int) -> None:
    for step in count(0, stride):
        child = os.fork()
        if child == 0:
            _die_at(folder, sink(**orjson.loads(said)), step)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            sys.stdout.write(f"{step}\n")
            return


def _die_at(folder: Path | str, of: LogSink, step: int) -> NoReturn:
    """Send until there is nothing more, die at that step of it; where there is no such step, end well."""
    steps = count()

    def reached(*_given: object) -> None:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    async def sent() -> None:
        for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
            event.listen(Engine, name, reached)
        send = Egress.send

        async def send_or_die(self: Egress, request: object) -> object:
            reached()
            answer = await send(self, request)  # type: ignore[arg-type]
            reached()
            return answer

        Egress.send = send_or_die  # type: ignore[method-assign, assignment]
        async with opened_senders(folder) as senders:
            sender = senders.sender(of, lease_s=LEASE_S)

            async def all_arrived() -> bool:
                await sender.step()
                return sender.seen is not None and sender.seen.position == (await senders.reading.span("calls")).last

            await until(all_arrived)

    code = 0
    try:
        anyio.run(sent)
    except BaseException:
        traceback.print_exc()
        code = 1
    os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1] if "://" in sys.argv[1] else Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
