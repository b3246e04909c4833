"""Parts that run beside the requests: one that fails is begun again, and ends neither the others nor the gateway."""

import logging
from collections.abc import Awaitable, Callable

import anyio

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
log = logging.getLogger("ascend")


async def kept_up(part: Callable[[], Awaitable[None]], first_wait_s: float = FIRST_WAIT_S) -> None:
    """Run `part` until it ends or is cancelled; whatever it raises is logged, and it begins anew, ever later where it goes on failing."""
    wait_s = first_wait_s
    while True:
        began_s = anyio.current_time()
        try:
            await part()
            return
        except Exception as error:  # of ours: what is to be expected each part deals with itself
            name = getattr(part, "__qualname__", type(part).__name__)
            log.error("background_part_failed", exc_info=error, extra={"facts": {"part": name, "kind": type(error).__name__}})
        if anyio.current_time() - began_s > LONGEST_WAIT_S:
            wait_s = first_wait_s
        await anyio.sleep(wait_s)
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)
