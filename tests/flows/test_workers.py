"""Two workers on one SQLite file are one gateway: whatever begins at one goes on at the other."""

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
import pytest
import yaml

from server.demo.app import build
from server.demo.grants import OAuthClient, OAuthSettings
from server.demo.provider import definition
from tests.command_line import ascend_here
from tests.flows.connecting import connect, new_person, token_of
from tests.flows.gateway_process import RunningGateway
from tests.flows.test_onboarding import OPEN_DEALS, PLAN, SEARCH, call, client_of, run_to_the_end
from tests.server.demo.listening import listening
from tests.server.mcp.requests import modern_body, modern_headers
from tests.server.mcp.tasks.world import TaskClient
from tests.server.workers.gateway_of_workers import WorkersGateway, gateway_of_workers
from tests.waiting import until
from tools.long_work import ENDED

#: as many requests on connections of their own all come to one of two workers once in a thousand times
SPREAD = 11
DELETE: dict[str, Any] = {
    "steps": [
        {"id": "ada", "api": "crm.contacts.search", "args": {"query": "Ada"}},
        {"id": "gone", "api": "crm.deals.delete", "args": {"deal_id": "deal_404"}, "depends_on": ["ada"]},
    ]
}


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkersGateway]:
    """Two workers, and a CRM that asks each person for consent. Each request on a connection of its own comes to either."""
    folder = tmp_path_factory.mktemp("workers")
    data = folder / "data"
    with listening(build(oauth=OAuthSettings(OAuthClient("ascend", "s3cret")))) as crm_url:
        data.mkdir(mode=0o700)
        allowed = urlsplit(crm_url).netloc
        (data / "ascend.toml").write_text(f'egress_allow = ["{allowed}"]\nrate_limit_scale = 1000.0\nmcp_task_after_s = 0.05\n')
        file = folder / "crm.yaml"
        file.write_text(yaml.safe_dump({**definition(crm_url), "client_id": "ascend"}))
        for words, stdin in (
            (("provider", "add", str(file), "--secret-stdin"), "s3cret\n"),
            (("import", "openapi", f"{crm_url}/openapi.json", "--provider", "crm", "--shared"), ""),
        ):
            done = ascend_here(*words, data_dir=data, stdin=stdin)
            assert done.returncode == 0, done.stderr
        with gateway_of_workers(data) as gateway:
            yield gateway


@pytest.fixture
def gateway(workers: WorkersGateway) -> RunningGateway:
    return workers.running


async def each(gateway: RunningGateway, token: str, tool: str, arguments: dict[str, Any]) -> list[httpx2.Response]:
    """Send the same call on connections of their own."""
    headers = {**modern_headers("tools/call", tool), "authorization": f"Bearer {token}", "connection": "close"}
    async with httpx2.AsyncClient(timeout=30) as http:
        body = modern_body("tools/call", {"name": tool, "arguments": arguments})
        return [await http.post(gateway.mcp_url, headers=headers, json=body) for _ in range(SPREAD)]


def content(response: httpx2.Response) -> dict[str, Any]:
    found: dict[str, Any] = response.json()["result"]["structuredContent"]
    return found


@pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
async def test_onboarding_connecting_and_plans_go_on_wherever_they_come(gateway: RunningGateway, mode: str) -> None:
    """Registration, sign-in, code and token (PKCE), discovery, a link, the CRM's answer, a plan: each request to either worker."""
    person = await new_person(gateway, f"onboarding-{mode}@example.com")
    async with client_of(gateway, person, mode, opens=mode == "legacy") as client:
        found = await call(client, "discover_apis", {"query": "find a contact by name"})
        assert any(each["id"] == "crm.contacts.search" for each in found["results"])
        done = await run_to_the_end(client, replace(person, owner_id="own_1"), PLAN) if mode == "legacy" else None
        if done is None:
            needed = await call(client, "call_api", SEARCH)
            await connect(person, needed["connection"]["url"])
            done = await call(client, "batch_execute", PLAN)
        assert sorted(done["returned"]) == OPEN_DEALS


async def test_a_connection_and_a_token_are_known_to_both_at_once(workers: WorkersGateway, gateway: RunningGateway) -> None:
    person = await new_person(gateway, "both@example.com")
    token = await token_of(gateway, person)
    links = [content(answer)["connection"]["url"] for answer in await each(gateway, token, "call_api", SEARCH)]
    await connect(person, links[0])
    assert [content(answer)["status"] for answer in await each(gateway, token, "call_api", SEARCH)] == ["ok"] * SPREAD
    await until(lambda: all(f"operation_called worker={worker}" in workers.log for worker in (1, 2)))


async def test_a_yes_given_at_one_counts_at_the_other(gateway: RunningGateway) -> None:
    """Confirmations are signed by a key that all workers have; whoever sends the same yes again hears what came of it."""
    person = await new_person(gateway, "yes@example.com")
    token = await token_of(gateway, person)
    for _ in range(2):  # First the account, then the scope that the second step needs.
        needed = content((await each(gateway, token, "batch_execute", DELETE))[0])
        await connect(person, needed["connections"][0]["url"])
    asked = [content(answer) for answer in await each(gateway, token, "batch_execute", DELETE)]
    assert {each["status"] for each in asked} == {"needs_confirmation"}
    agreed = {**DELETE, "confirm": asked[0]["confirmation"]["confirm"]}
    done = [content(answer) for answer in await each(gateway, token, "batch_execute", agreed)]
    assert all(each["steps"]["ada"]["ok"] for each in done), done
    assert {each["steps"]["gone"]["error"]["code"] for each in done} == {"upstream_not_found"}


async def test_a_task_is_told_of_by_both(gateway: RunningGateway) -> None:
    person = await new_person(gateway, "tasks@example.com")
    async with httpx2.AsyncClient(base_url=gateway.base_url, timeout=30) as http:
        client = TaskClient(http, await token_of(gateway, person), headers={"connection": "close"})
        link = (await client.call("call_api", SEARCH))["structuredContent"]["connection"]["url"]
        await connect(person, link)
        slow = {"steps": [{"id": f"s{number}", "api": "crm.contacts.search", "args": {"query": "Ada"}} for number in range(40)]}
        begun = await client.call("batch_execute", {**slow, "max_parallel": 1})
        if begun["resultType"] == "task":
            begun = (await client.until(begun["taskId"], *ENDED))["result"]
        assert begun["structuredContent"]["status"] == "completed"


async def test_a_revocation_is_in_force_at_both(gateway: RunningGateway) -> None:
    """Within two seconds, though only one is told: the other reads the change feed ten times a second."""
    person = await new_person(gateway, "revoked@example.com")
    token = await token_of(gateway, person)
    assert {answer.status_code for answer in await each(gateway, token, "discover_apis", {"query": "contacts"})} == {200}

    def revoke() -> None:
        [grant] = json.loads(ascend_here("grant", "list", "--user", person.email, "--json", data_dir=gateway.data_dir).stdout)
        assert ascend_here("grant", "revoke", grant["grant_id"], data_dir=gateway.data_dir).returncode == 0

    await anyio.to_thread.run_sync(revoke)

    async def is_in_force() -> bool:
        return {answer.status_code for answer in await each(gateway, token, "discover_apis", {"query": "contacts"})} == {401}

    await until(is_in_force)


async def test_a_sign_in_outlives_the_worker_that_it_began_at(workers: WorkersGateway, gateway: RunningGateway) -> None:
    """kill -9 between the link and the answer of the CRM."""
    person = await new_person(gateway, "killed@example.com")
    token = await token_of(gateway, person)
    link = content((await each(gateway, token, "call_api", SEARCH))[0])["connection"]["url"]
    died = workers.process_of(1)
    os.kill(died, signal.SIGKILL)
    await until(lambda: workers.process_of(1) != died)
    await connect(person, link)
    assert [content(answer)["status"] for answer in await each(gateway, token, "call_api", SEARCH)] == ["ok"] * SPREAD
