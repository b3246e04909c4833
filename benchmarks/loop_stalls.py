"""How long one input holds the event loop at most: `python -m benchmarks loop_stalls`.

    python -m benchmarks.loop_stalls [WORD ...]

Defends: nothing that a caller may send (4 MB) and nothing that an upstream may answer (32 MB) holds the loop for more than 50 ms. Opens
a whole gateway in this process and sends the corpus of the tests (tests/loop/corpus.py) one after the other; only inputs whose names
have a WORD, where one is given. The shortest of three tries counts: other programs hold a machine up, too.
"""

import asyncio
import gc
import sys
import tempfile
import time
from itertools import chain
from pathlib import Path

from tests.loop.corpus import Input, StalledGateway, inputs, model_calls, stalled_gateway

MOST_MS = 50.0
TRIES = 3
MAX_S = 60.0


async def held_ms(house: StalledGateway, each: Input) -> tuple[float, float, int, float]:
    """Return the longest hold of one try in ms, its work alone in ms, the status of the answer, and how long it took in s."""
    body = each.body()
    gc.collect()
    await asyncio.sleep(0.05)
    began = time.perf_counter()
    with house.watched() as watch:
        await asyncio.sleep(0.01)
        async with asyncio.timeout(MAX_S):
            status, answer = await house.send(each, body)
        del answer
        await asyncio.sleep(0.01)
    return watch.longest_s * 1000, watch.longest_work_s * 1000, status, time.perf_counter() - began


async def main() -> int:
    words, longest = sys.argv[1:], 0.0
    with tempfile.TemporaryDirectory() as name:
        async with stalled_gateway(Path(name)) as house:
            for each in chain(inputs(house.api_by_path), model_calls(with_largest=True)):
                if words and not any(word in each.name for word in words):
                    continue
                held = await held_ms(house, each)
                for _ in range(TRIES - 1):
                    if held[0] <= MOST_MS:
                        break
                    held = min(held, await held_ms(house, each))
                longest = max(longest, held[0])
                ms, work_ms, status, taken_s = held
                mark = "  <-- too long" if ms > MOST_MS else ""
                print(f"{ms:8.1f} ms ({work_ms:6.1f} of work)  {each.name:55} {status}  {taken_s:6.1f} s{mark}", flush=True)
    print(f"{longest:8.1f} ms  the longest; {MOST_MS:.0f} ms are the goal")
    return 0 if longest <= MOST_MS else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
