"""How long a batch takes whose ten independent steps each wait 100 ms for a real HTTP upstream.

    python -m benchmarks.batch_parallel

Defends: 10 parallel 100 ms upstream calls in at most 130 ms, through the whole door: plan check, policy, validation, request, egress,
answer. The first line is a cold pool (ten connections are opened), the others reuse them.
"""

import asyncio
import json
import sys
import time

from tests.tools.plans.plans import Batches, batches
from tests.tools.stand_ins import KnownConnections
from tools.egress.client import Egress
from tools.sources.http.runner import OpenApiRunner
from tools.sources.openapi.import_document import import_document

STEPS = 10
DELAY_S = 0.1
LIMIT_MS = 130.0
ROUNDS = 20
ANSWER = b'{"id":"con_1","name":"Ada"}'


async def answer_slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request of a connection after 100 ms."""
    try:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(DELAY_S)
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ANSWER)
            writer.write(head + ANSWER)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def document(port: int) -> bytes:
    parameter = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    contact = {"type": "object", "properties": {"id": {"type": "string"}, "name": {"type": "string"}}}
    answers = {"200": {"description": "one", "content": {"application/json": {"schema": contact}}}}
    get = {"operationId": "getContact", "summary": "Get a contact", "parameters": [parameter], "responses": answers}
    paths = {"/contacts/{id}": {"get": get}}
    return json.dumps(
        {"openapi": "3.1.0", "info": {"title": "CRM", "version": "1"}, "servers": [{"url": f"http://127.0.0.1:{port}"}], "paths": paths}
    ).encode()


async def run_once(gateway: Batches, api: str) -> tuple[float, int]:
    """Return how long the batch took in ms, and how many calls ran side by side."""
    plan = [{"id": f"s{number}", "api": api, "args": {"id": f"con_{number}"}} for number in range(STEPS)]
    started = time.perf_counter()
    answer = await gateway.run(*plan, max_parallel=STEPS)
    spent_ms = (time.perf_counter() - started) * 1000
    if answer["status"] != "completed":
        raise SystemExit(f"the batch did not complete: {json.dumps(answer)[:600]}")
    return spent_ms, answer["stats"]["parallel"]


async def main() -> int:
    server = await asyncio.start_server(answer_slowly, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with Egress([f"127.0.0.1:{port}"]) as egress:
        (operation,) = import_document(document(port), provider="crm", tenant_id=None, location="document").operations
        gateway = await batches([operation], runner=OpenApiRunner(egress, KnownConnections()))
        cold_ms, parallel = await run_once(gateway, operation.id)
        warm_ms = sorted([(await run_once(gateway, operation.id))[0] for _ in range(ROUNDS)])
    server.close()
    print(f"{STEPS} calls of {DELAY_S * 1000:.0f} ms, {parallel} side by side; limit {LIMIT_MS:.0f} ms")
    print(f"  cold pool  {cold_ms:6.1f} ms")
    print(f"  warm pool  {warm_ms[ROUNDS // 2]:6.1f} ms median, {warm_ms[0]:.1f} best, {warm_ms[-1]:.1f} worst of {ROUNDS}")
    return 0 if warm_ms[ROUNDS // 2] <= LIMIT_MS else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
