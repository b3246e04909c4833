"""An upstream that does everything wrong, behind a real gateway process: one clear error each, and nothing left behind."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.command_line import ascend_here
from tests.flows.gateway_process import RunningGateway, running_gateway
from tests.ports import free_port
from tests.server.mcp.requests import legacy_body, legacy_headers, modern_body, modern_headers
from tests.tools.egress import fault_server
from tests.tools.egress.fault_server import Behaviour, answer, says
from tests.waiting import until

FINE = says(answer("200 OK", "Content-Type: application/json", body=b'{"id":1}'))
#: name -> (what the upstream does, the code of the one error that it becomes)
FAULTS: Mapping[str, tuple[Behaviour, str]] = {
    "reset": (fault_server.reset, "upstream_reset"),
    "stall": (fault_server.stall, "upstream_timeout"),
    "half": (says(fault_server.HALF_BODY), "upstream_reset"),
    "lengths": (says(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"), "upstream_malformed"),
    "drip": (fault_server.drip, "upstream_timeout"),
    "garbage": (says(fault_server.GARBAGE), "upstream_malformed"),
    "loop": (fault_server.redirect_to_itself, "upstream_malformed"),
    "busy": (says(answer("429 Too Many Requests", "Retry-After: 7", body=b'{"error":"slow down"}')), "upstream_rate_limited"),
    "bomb": (says(fault_server.BOMB), "upstream_too_large"),
    "inwards": (says(answer("302 Found", "Location: http://169.254.169.254/latest")), "egress_refused"),
    "sick": (says(answer("503 Service Unavailable", body=b"down for the night")), "upstream_error"),
}


@dataclass(frozen=True, slots=True)
class House:
    """The gateway, where its upstream has to be, and a token."""

    gateway: RunningGateway
    upstream_port: int
    token: str

    async def ask(self, http: httpx2.AsyncClient, tool: str, **arguments: Any) -> dict[str, Any]:
        headers = modern_headers("tools/call", tool) | {"authorization": f"Bearer {self.token}"}
        response = await http.post(
            self.gateway.mcp_url, json=modern_body("tools/call", {"name": tool, "arguments": arguments}), headers=headers
        )
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()["result"]["structuredContent"]
        return found

    def open_files(self) -> int:
        """Return how many files the gateway has open; 0 on systems that do not tell."""
        folder = Path(f"/proc/{self.gateway.process.pid}/fd")
        return len(list(folder.iterdir())) if folder.is_dir() else 0


def document(port: int) -> str:
    answers = {"200": {"description": "it"}}
    paths: dict[str, Any] = {
        f"/{name}": {"get": {"operationId": f"get{name.title()}", "summary": f"Get {name}", "responses": answers}}
        for name in (*FAULTS, "fine")
    }
    whole = {"openapi": "3.1.0", "info": {"title": "Hostile", "version": "1"}, "servers": [{"url": f"http://127.0.0.1:{port}"}]}
    return json.dumps({**whole, "paths": paths})


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("hostile")
    data, port = folder / "data", free_port()
    (folder / "hostile.json").write_text(document(port), encoding="utf-8")
    extra = {"ASCEND_EGRESS_ALLOW": f"127.0.0.1:{port}"}
    imported = ascend_here(
        "import", "openapi", str(folder / "hostile.json"), "--provider", "hostile", "--shared", data_dir=data, environ=extra
    )
    assert imported.returncode == 0, imported.stderr
    ascend_here("user", "add", "ada@example.com", "--tenant", "default", "--password-stdin", data_dir=data, stdin=secrets.token_urlsafe(24))
    with running_gateway(data, demo=False, extra=extra) as gateway:
        minted = ascend_here("token", "mint", "--tenant", "default", "--user", "ada@example.com", data_dir=data)
        yield House(gateway, port, minted.stdout.split()[-1])


@asynccontextmanager
async def upstream(port: int) -> AsyncIterator[list[str]]:
    """Serve every path as its name says; yield what was asked for so far."""
    asked: list[str] = []

    async def behave(head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name = head.split(" ")[1].lstrip("/")
        asked.append(name)
        await (FINE if name == "fine" else FAULTS[name][0])(head, reader, writer)

    async with fault_server.serving(behave, port):
        yield asked


async def test_each_fault_is_one_clear_error_and_the_next_call_is_well(house: House) -> None:
    """Issue, "It must hold": one clear error each, no leak, pool intact."""
    async with upstream(house.upstream_port), httpx2.AsyncClient(timeout=20) as http:
        await house.ask(http, "call_api", api="hostile.fine.get")
        before = house.open_files()
        for _ in range(3):
            for name, (_behaviour, code) in FAULTS.items():
                found = await house.ask(http, "call_api", api=f"hostile.{name}.get", timeout_s=0.4 if code == "upstream_timeout" else 15)
                assert (found["status"], found["error"]["code"]) == ("error", code), (name, found)
                assert "Traceback" not in json.dumps(found)
                assert (await house.ask(http, "call_api", api="hostile.fine.get"))["data"] == {"id": 1}
        assert house.open_files() <= before + 5


async def test_a_plan_keeps_what_each_upstream_said(house: House) -> None:
    """Issue: a step that fails keeps its upstream error, whatever runs beside it."""
    steps = [{"id": name, "api": f"hostile.{name}.get", "on_error": "continue"} for name in (*FAULTS, "fine")]
    async with upstream(house.upstream_port), httpx2.AsyncClient(timeout=40) as http:
        found = await house.ask(http, "batch_execute", steps=steps, max_parallel=16, timeout_s=4)
    codes = {name: found["steps"][name]["error"]["code"] for name in FAULTS}
    # The limit of the plan and that of the request end at the same moment.
    assert {codes.pop("stall"), codes.pop("drip")} <= {"timeout", "upstream_timeout"}
    assert codes == {name: FAULTS[name][1] for name in codes}
    assert found["status"] == "partial"
    assert found["steps"]["busy"]["error"]["retry_after_s"] == 7
    assert found["steps"]["busy"]["error"]["upstream"] == {"status": 429, "body": {"error": "slow down"}}
    assert found["steps"]["sick"]["error"]["upstream"]["body"] == "down for the night"
    assert found["returned"]["fine"] == {"id": 1}


async def failed_calls(house: House, http: httpx2.AsyncClient) -> list[dict[str, Any]]:
    """Return the latest calls that did not come through."""
    recent = await house.ask(http, "call_api", api="gateway.calls.recent", args={"limit": 12, "failures_only": True})
    rows: list[dict[str, Any]] = recent["data"]["calls"]
    return rows


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_a_client_that_leaves_is_on_record_and_holds_nothing(house: House, era: str) -> None:
    """Issue: cancellation when the client goes away; what ran is recorded as cancelled."""
    steps = [{"id": f"wait{number}", "api": "hostile.stall.get"} for number in range(4)]
    call = {"name": "batch_execute", "arguments": {"steps": steps, "timeout_s": 100}}
    headers, body = (modern_headers("tools/call", "batch_execute"), modern_body("tools/call", call))
    if era == "legacy":
        headers, body = legacy_headers(), legacy_body("tools/call", call)
    headers |= {"authorization": f"Bearer {house.token}"}
    async with upstream(house.upstream_port) as asked, httpx2.AsyncClient(timeout=40) as http:
        known = {row["trace_id"] for row in await failed_calls(house, http)}
        waiting = asyncio.create_task(http.post(house.gateway.mcp_url, json=body, headers=headers))
        await until(lambda: asked.count("stall") == 4)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        cancelled: list[dict[str, Any]] = []

        async def are_recorded() -> bool:
            recent = await failed_calls(house, http)
            cancelled[:] = [row for row in recent if row["error_code"] == "cancelled" and row["trace_id"] not in known]
            return len(cancelled) == 5

        await until(are_recorded)
    assert {row["operation"] for row in cancelled} == {"hostile.stall.get", "batch_execute"}
