"""What pages of the console cost over a million calls: `python -m benchmarks.console [--size 1000000] [--folder KEPT]`.

Pages are asked for in the process, with everything that a browser's request passes but the network, over a history that is filled as
the gateway fills it. Goals (operations contract): p95 of 50 ms a page, 150 ms where it shows 30 days, a trace by id in 50 ms; at most
60 KB of HTML. Judged is what a page costs one core, of all threads together, reading included: the clock of a machine that others use
says more of them. Beside it, in the same run, one bare page (an empty list): what templates cost alone. `first` is what the first
request of a page costs: what is kept for a while (usage of days that are over) is not there yet, and a template is not compiled.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

import httpx2

from benchmarks.history import END_US, records
from oauth.administration.roles import Role
from oauth.tenants import Tenant, Tenants
from server.admin.administrators import Administrator
from server.admin.console.opening import ConsoleParts, open_console
from server.app import open_gateway
from server.config.load import load
from server.config_versions.sections.alerts import Alerts
from server.config_versions.sections.sinks import Sinks
from server.storage.store import Store

ROUNDS = 25
MOST_MS, MOST_30_DAYS_MS, MOST_HTML_BYTES = 50.0, 150.0, 60_000


class _Owner:
    """Whoever asks is the owner: what a session costs is measured by its own tests."""

    async def administrator(self, _request: object) -> Administrator:
        return Administrator(tenant_id="default", subject="s1", by="ops@example.com", role=Role.OWNER, reaches_gateway=True)

    def sign_in_url(self, onward: str) -> str:
        return onward

    def step_up_url(self, onward: str) -> str:
        return onward

    async def form_token(self, _request: object, purpose: str) -> str:
        return purpose

    async def check_form(self, _request: object, token: str, purpose: str) -> None:
        return None


async def no_backup() -> None:
    """Tell that there is none."""


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--size", type=int, default=1_000_000)
    arguments.add_argument("--folder", type=Path, default=None, help="Where the filled store is kept for the next run.")
    given = arguments.parse_args()
    if given.folder is not None:
        return asyncio.run(measure(given.folder, given.size))
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measure(Path(folder), given.size))


async def measure(folder: Path, size: int) -> int:
    async with open_gateway(load(folder, {}, base_url="http://127.0.0.1:9"), at_work=False) as gateway:
        trace_id = await fill(gateway.store, size)
        tenants = Tenants([Tenant("default", "Default"), *(Tenant(f"t{number}", f"Tenant {number}") for number in range(20))])
        parts = ConsoleParts(
            sessions=_Owner(),
            nouns=gateway.administration.nouns,
            tenants=tenants,
            store=gateway.store,
            host="ascend.example",
            icon="/icon.svg",
            data_dir=gateway.settings.data_dir,
            newest_backup=no_backup,
            sinks=Sinks,
            alerts=Alerts,
            clock=lambda: END_US / 1_000_000,
        )
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(open_console(parts)), base_url="http://127.0.0.1:9") as http:
            return await judge(http, trace_id)


async def judge(http: httpx2.AsyncClient, trace_id: str) -> int:
    pages = [
        ("an empty list", "/admin/share-links", MOST_MS),
        ("dashboard, 1 h", "/admin?range=1h", MOST_MS),
        ("dashboard, 24 h", "/admin?range=24h", MOST_MS),
        ("dashboard, 24 h, a tenant", "/admin?range=24h&tenant=t1", MOST_MS),
        ("dashboard, 7 d", "/admin?range=7d", MOST_MS),
        ("dashboard, 30 d", "/admin?range=30d", MOST_30_DAYS_MS),
        ("objectives (30 d)", "/admin/slo", MOST_30_DAYS_MS),
        ("calls", "/admin/calls", MOST_MS),
        ("calls of a tenant", "/admin/calls?tenant=t1", MOST_MS),
        ("calls that failed, 30 d", "/admin/calls?failed=true&range=30d", MOST_30_DAYS_MS),
        ("calls of one operation, 24 h", "/admin/calls?operation=provider.things.op7", MOST_MS),
        ("calls that there are none of", "/admin/calls?operation=provider.things.none&range=30d", MOST_30_DAYS_MS),
        ("trace", f"/admin/traces/{trace_id}", MOST_MS),
        ("errors, 7 d", "/admin/errors", MOST_MS),
        ("usage, 30 d", "/admin/usage?range=30d", MOST_30_DAYS_MS),
        ("audit", "/admin/audit", MOST_MS),
        ("tenants", "/admin/tenants", MOST_MS),
        ("operations", "/admin/operations", MOST_MS),
    ]
    missed, bare_ms = [], 0.0
    print(f"{'page':32}{'p50 ms':>9}{'p95 ms':>9}{'p95 core':>9}{'first':>8}{'goal':>7}{'bare':>7}{'HTML':>10}{'packed':>9}")
    for name, path, goal_ms in pages:
        times, worked, first, size, packed = await ask(http, path)
        p50, p95, cpu = times[len(times) // 2], times[int(0.95 * (len(times) - 1))], worked[int(0.95 * (len(worked) - 1))]
        bare_ms = bare_ms or p50
        print(f"{name:32}{p50:9.1f}{p95:9.1f}{cpu:9.1f}{first:8.1f}{goal_ms:7.0f}{p50 / bare_ms:6.1f}x{size:10,}{packed:9,}")
        if cpu > goal_ms or size > MOST_HTML_BYTES:
            missed.append(name)
    print(f"missed: {', '.join(missed) or 'nothing'}")
    return 1 if missed else 0


async def ask(http: httpx2.AsyncClient, path: str) -> tuple[list[float], list[float], float, int, int]:
    """Return the sorted milliseconds of a page by the clock and of one core, the first one's apart, and its bytes, also packed."""
    times: list[float] = []
    worked: list[float] = []
    first = 0.0
    for place in range(ROUNDS + 1):
        began, spent = time.perf_counter(), time.process_time()
        answer = await http.get(path, headers={"accept-encoding": "gzip"})
        by_clock, of_core = (time.perf_counter() - began) * 1_000, (time.process_time() - spent) * 1_000
        if place:
            times.append(by_clock)
            worked.append(of_core)
        else:
            first = of_core
        if answer.status_code != 200:
            raise SystemExit(f"{path}: {answer.status_code}\n{answer.text[:2_000]}")
    return sorted(times), sorted(worked), first, len(answer.content), int(answer.headers.get("content-length", 0))


async def fill(store: Store, size: int) -> str:
    """Fill the history where it is empty; return a trace id of its middle."""
    trace_id, begun_s = "", time.perf_counter()
    is_filled = bool(await store.figures.uses(0))
    for place, batch in enumerate(records(size)):
        if place == size // 4_000:
            trace_id = batch[0].trace_id
        if not is_filled:
            await store.calls.append_calls(batch)
    print(f"{size:,} calls of 30 days in {time.perf_counter() - begun_s:.0f} s{' (they were there)' if is_filled else ''}")
    return trace_id


if __name__ == "__main__":
    sys.exit(main())
