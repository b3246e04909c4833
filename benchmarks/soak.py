"""Does the gateway's memory stay flat? A mix of everything that clients do, right and wrong, and a line through its resident memory.

    python -m benchmarks.soak [--calls 300000]

Defends: at most 1 MB more for each 100,000 calls, by a linear fit over the last two thirds. Names, keys, arguments, queries and wrong
tokens differ from call to call, so that whatever is kept for each of them shows. The resident memory is that of the process with
glibc's arenas (two, see server/memory.py); what they hold free counts as used here.
"""

import argparse
import asyncio
import collections
import itertools
import json
import random
import statistics
import sys
import time
from collections.abc import Callable

import uvloop

from benchmarks.loaded_gateway import Connection, LoadedGateway, loaded_gateway

CONNECTIONS = 32
SAMPLES = 60
MOST_MB_PER_100K = 1.0
ANSWER_S = 60.0
_WORDS = (
    "find",
    "list",
    "create",
    "delete",
    "user",
    "note",
    "invoice",
    "contact",
    "deal",
    "file",
    "message",
    "calendar",
    "ticket",
    "order",
)

#: number of the call -> the request
Make = Callable[[int], bytes]


class Mix:
    """Requests by kind; `shares` says how many of a hundred each is."""

    def __init__(self, gateway: LoadedGateway) -> None:
        self._gateway = gateway
        self._chance = random.Random(7)
        api = self._api
        self.shares: dict[str, tuple[int, Make]] = {
            "read": (38, lambda n: api("load.users.get", {"id": n % 5_000})),
            "cached": (5, lambda n: api("load.cached.get", {})),
            "wrong arguments": (6, lambda n: api("load.users.get", {"id": f"number {n}", f"extra{n}": n})),
            "unknown operation": (4, lambda n: api(f"load.things{n}.get", {})),
            "unknown tool": (3, lambda n: gateway.call(f"tool{n}", {})),
            "too few scopes": (3, lambda n: api("load.notes.create", {"text": f"note {n}"}, token=gateway.reading_token)),
            "wrong token": (3, lambda n: api("load.users.get", {"id": n}, token=f"at_wrong_{n}")),
            "discover": (6, self._discover),
            "batch": (6, self._batch),
            "batch that fails": (1, self._failing_batch),
            "refused plan": (2, lambda n: gateway.call("batch_execute", {"steps": [{"id": f"s{n}", "api": f"load.no{n}.get"}]})),
            "not found": (3, lambda n: api("load.missing.get", {})),
            "failing upstream": (3, lambda n: api("load.broken.get", {})),
            "busy upstream": (2, lambda n: api("load.busy.get", {})),
            "reset": (2, lambda n: api("load.reset.get", {})),
            "needs connection": (1, lambda n: api("load.private.get", {})),
            "needs confirmation": (3, lambda n: api("load.users.delete", {"id": n})),
            "large": (1, lambda n: api("load.large.get", {})),
            "write": (1, lambda n: api("load.notes.create", {"text": f"note {n}"}, idempotency_key=f"key {n}")),
            "selection": (2, lambda n: api("load.users.get", {"id": n}, select=f"{{name{n}: name}}")),
            "dry run": (1, lambda n: api("load.users.get", {"id": n}, dry_run=True)),
            "older era": (2, lambda n: gateway.legacy_call("call_api", {"api": "load.users.get", "args": {"id": n}})),
            "progress": (1, lambda n: gateway.call("batch_execute", {"steps": self._steps(n)}, progress=True)),
            "not JSON": (1, self._garbage),
        }
        assert sum(share for share, _ in self.shares.values()) == 100
        self._kinds = [kind for kind, (share, _) in self.shares.items() for _ in range(share)]

    def request(self, number: int) -> tuple[str, bytes]:
        """Return the kind of the call and its request."""
        kind = self._chance.choice(self._kinds)
        return kind, self.shares[kind][1](number)

    def _api(self, api: str, args: dict[str, object], **options: object) -> bytes:
        return self._gateway.call("call_api", {"api": api, "args": args, **options})

    def _discover(self, number: int) -> bytes:
        query = " ".join(self._chance.choice(_WORDS) for _ in range(4))
        return self._gateway.call("discover_apis", {"query": f"{query} {number}"})

    def _steps(self, number: int) -> list[dict[str, object]]:
        second: dict[str, object] = {"id": "second", "api": "load.users.get", "args": {"id": {"$ref": "first.data.id"}}}
        return [{"id": "first", "api": "load.users.get", "args": {"id": number}}, second, {"id": "third", "api": "load.cached.get"}]

    def _batch(self, number: int) -> bytes:
        return self._gateway.call("batch_execute", {"steps": self._steps(number), "return": f"{{name{number}: second.data.name}}"})

    def _failing_batch(self, number: int) -> bytes:
        return self._gateway.call("batch_execute", {"steps": [*self._steps(number), {"id": "last", "api": "load.broken.get"}]})

    def _garbage(self, number: int) -> bytes:
        head, _, body = self._gateway.call("call_api", {"api": f"x{number}"}).partition(b"\r\n\r\n")
        return head + b"\r\n\r\n" + b"{" * len(body)


class Soak:
    """The calls, and what was seen."""

    def __init__(self, gateway: LoadedGateway, calls: int) -> None:
        self._gateway, self._calls = gateway, calls
        self._mix = Mix(gateway)
        self._numbers = itertools.count()
        self.answers: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
        #: (calls so far, resident bytes)
        self.samples: list[tuple[int, int]] = []

    async def run(self) -> None:
        await asyncio.gather(*(self._call() for _ in range(CONNECTIONS)))

    async def _call(self) -> None:
        connection = await Connection.to(self._gateway.port)
        while (number := next(self._numbers)) < self._calls:
            if number % (self._calls // SAMPLES) == 0:
                self.samples.append((number, self._gateway.resident_bytes()))
            kind, request = self._mix.request(number)
            if connection.is_lost:
                connection = await Connection.to(self._gateway.port)
            async with asyncio.timeout(ANSWER_S):
                status, body = await connection.send(request)
            self.answers[kind][f"{status} {_said(body)}"] += 1
        connection.close()


def _said(body: bytes) -> str:
    """Return what an answer says in a word."""
    start = body.find(b"{")
    message, _ = json.JSONDecoder().raw_decode(
        body[body.rfind(b"data: {") + 6 :].decode() if b"\ndata: {" in body else body[start:].decode()
    )
    if "error" in message:
        error = message["error"]
        return str(error["code"] if isinstance(error, dict) else error)
    answer = message["result"].get("structuredContent", {})
    return str((answer.get("error") or {}).get("code") or answer.get("status") or "found")


def main(gateway: LoadedGateway, calls: int) -> int:
    soak = Soak(gateway, calls)
    began = time.monotonic()
    uvloop.run(soak.run())
    spent_s = time.monotonic() - began
    for kind, counts in soak.answers.items():
        print(f"  {kind:20}", ", ".join(f"{count} x {what}" for what, count in counts.most_common(4)))
    warm = soak.samples[len(soak.samples) // 3 :]
    slope, _ = statistics.linear_regression([number / 100_000 for number, _ in warm], [rss / 2**20 for _, rss in warm])
    print(f"{calls} calls in {spent_s:.0f} s, {calls / spent_s:.0f}/s; resident memory in MB over time:")
    print("  " + " ".join(f"{rss / 2**20:.1f}" for _, rss in soak.samples[:: max(1, len(soak.samples) // 20)]))
    print(f"slope after warm-up: {slope:+.2f} MB for 100,000 calls; limit {MOST_MB_PER_100K:.0f}")
    print(f"{gateway.open_files()} files open at the end")
    return 0 if slope <= MOST_MB_PER_100K else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=300_000)
    given = parser.parse_args()
    with loaded_gateway() as running:
        sys.exit(main(running, given.calls))
