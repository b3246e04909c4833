"""What looking at the rules of alerts costs: `python -m benchmarks.alerts`.

A gateway with nothing to find, and one whose hours, states and silences are many; each look is what a node does each 15 seconds, so a
hundredth of that is one percent of a core. The yardstick is one bare transaction of the same store in the same run. Exit 1 above that.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio

from server.alerts.watch import EVERY_S, Watch
from server.app import Gateway, open_gateway
from server.assembly.alert_sources import open_alerts
from server.config.load import load
from server.storage.history.rollups import HOUR_US
from tools.stores import CallRecord

LOOKS, TENANTS, CALLS = 60, 200, 20_000
MOST_OF_A_CORE = 0.01


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        if anyio.run(_measure, Path(folder)) > MOST_OF_A_CORE:
            sys.exit(f"more than {MOST_OF_A_CORE:.0%} of a core")


async def _measure(folder: Path) -> float:
    """Return the larger share of a core."""
    async with open_gateway(load(folder / "data", {}, base_url="http://127.0.0.1:9"), at_work=False) as gateway:
        bare_ms = await _median_ms(lambda: gateway.store.database.transact(lambda _connection: None))
        print(f"a bare transaction: {bare_ms:.2f} ms")
        watch = open_alerts(gateway.alerts)
        empty = _told("an empty gateway", await _look_ms(watch), bare_ms)
        await _fill(gateway)
        full = _told(f"{CALLS:,} calls of {TENANTS} tenants in two hours", await _look_ms(watch), bare_ms)
        await watch.release()
        return max(empty, full)


def _told(of_what: str, look_ms: float, bare_ms: float) -> float:
    share = look_ms / 1_000 / EVERY_S
    print(f"{of_what}: {look_ms:.1f} ms a look ({look_ms / bare_ms:.1f} bare transactions), {share:.2%} of a core")
    return share


async def _look_ms(watch: Watch) -> float:
    """Return the middle of many looks of CPU and waiting, each as if a quarter of a minute had passed."""
    took = []
    now_us = time.time_ns() // 1_000
    for step in range(LOOKS):
        begun = time.perf_counter()
        await watch.look(now_us + int(step * EVERY_S * 1_000_000))
        took.append((time.perf_counter() - begun) * 1_000)
    return statistics.median(took)


async def _median_ms(work: Callable[[], Awaitable[object]]) -> float:
    took = []
    for _ in range(LOOKS):
        begun = time.perf_counter()
        await work()
        took.append((time.perf_counter() - begun) * 1_000)
    return statistics.median(took)


async def _fill(gateway: Gateway) -> None:
    now_us = time.time_ns() // 1_000
    records = [
        CallRecord(
            tenant_id=f"t{place % TENANTS}",
            tool="call_api",
            operation=f"crm.contacts.{place % 40}",
            auth_method="access_token",
            duration_ms=5.0,
            success=place % 50 != 0,
            error_code=None if place % 50 else "upstream_timeout",
            trace_id="",
            subject="sub",
            client_id="client",
            called_at_us=now_us - place * 2 * HOUR_US // CALLS,
            error_class="" if place % 50 else "upstream",
        )
        for place in range(CALLS)
    ]
    for start in range(0, CALLS, 2_000):
        await gateway.store.calls.append_calls(records[start : start + 2_000])


if __name__ == "__main__":
    main()
