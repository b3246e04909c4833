"""`/v1/workflows`: runs over REST, as over MCP; each URL is one operation."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.app import Gateway
from tests.gateway import NOWHERE, add_person, opened, token_for
from tests.waiting import until
from tools.operation import Failure, Json
from tools.workflows.errors import PermanentFault
from tools.workflows.run import Run
from tools.workflows.workflow import Workflow


async def onboard(run: Run, given: Mapping[str, Json]) -> Json:
    async def work() -> Json:
        if given.get("fails"):
            raise PermanentFault(Failure("refused", "the CRM said no"))
        return given

    await run.step("account", work)
    if given.get("waits"):
        return await run.wait("yes", "yes", 600)
    return "done"


@dataclass
class Rest:
    gateway: Gateway
    http: httpx2.AsyncClient
    person: str

    async def send(self, method: str, path: str, **more: Any) -> httpx2.Response:
        return await self.http.request(method, f"/v1/workflows{path}", **more)

    async def ended(self, run_id: str, state: str) -> dict[str, Json]:
        async def is_so() -> bool:
            return bool((await self.send("GET", f"/runs/{run_id}")).json()["state"] == state)

        await until(is_so)
        found: dict[str, Json] = (await self.send("GET", f"/runs/{run_id}?step=account")).json()
        return found


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[Rest]:
    async with opened(tmp_path) as gateway:
        gateway.work.registry.add(Workflow("onboard", "1", onboard, title="Onboard an account"), for_people=True)
        person = await add_person(gateway)
        headers = {"authorization": f"Bearer {await token_for(gateway, person)}"}
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(gateway.app), base_url=NOWHERE, headers=headers) as http:
            yield Rest(gateway, http, person)


async def test_a_run_is_started_looked_at_and_listed(rest: Rest) -> None:
    """Context contract §3."""
    started = await rest.send("POST", "/onboard/runs", json={"given": {"account": "Kahuna"}, "key": "k"})
    assert (started.status_code, started.json()["run_id"]) == (202, "default:onboard:k")
    view = await rest.ended("default:onboard:k", "succeeded")
    assert (view["result"], view["step_result"], view["given"]) == ("done", {"account": "Kahuna"}, {"account": "Kahuna"})
    listed = (await rest.send("GET", "/runs?states=succeeded,failed&limit=5")).json()
    assert [run["run_id"] for run in listed["runs"]] == ["default:onboard:k"]
    assert (await rest.send("GET", "")).json()["workflows"] == [{"name": "onboard", "version": "1", "title": "Onboard an account"}]
    assert (await rest.send("GET", "/runs/default%3Aonboard%3Ak")).json()["state"] == "succeeded"


async def test_the_idempotency_key_is_the_key_of_the_run(rest: Rest) -> None:
    both = [await rest.send("POST", "/onboard/runs", headers={"idempotency-key": "once"}) for _ in range(2)]
    assert [answer.json()["run_id"] for answer in both] == ["default:onboard:once"] * 2
    other = await rest.send("POST", "/onboard/runs", json={"given": {"x": 1}}, headers={"idempotency-key": "once"})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "conflict")


async def test_an_idempotency_key_may_hold_what_no_key_of_a_run_may(rest: Rest) -> None:
    """A step of another run has `run:step` as its key."""
    for key in ("default:other:k:start", "nightly@20261128T020000Z", "x" * 250):
        both = [await rest.send("POST", "/onboard/runs", headers={"idempotency-key": key}) for _ in range(2)]
        assert [answer.status_code for answer in both] == [202, 202]
        assert both[0].json()["run_id"] == both[1].json()["run_id"]


async def test_a_run_is_cancelled_and_resumed(rest: Rest) -> None:
    await rest.send("POST", "/onboard/runs", json={"given": {"waits": True}, "key": "k"})
    await rest.ended("default:onboard:k", "waiting")
    assert (await rest.send("POST", "/runs/default:onboard:k/cancel")).json() == {"run_id": "default:onboard:k", "cancelled": True}
    await rest.ended("default:onboard:k", "cancelled")
    resumed = await rest.send("POST", "/runs/default:onboard:k/resume", json={"again": ["account"]})
    assert (resumed.status_code, resumed.json()["state"]) == (202, "queued")
    await rest.ended("default:onboard:k", "waiting")


async def test_a_run_that_failed_says_which_step_and_why(rest: Rest) -> None:
    await rest.send("POST", "/onboard/runs", json={"given": {"fails": True}, "key": "k"})
    view = await rest.ended("default:onboard:k", "failed")
    assert view["failure"]["message"] == "step 'account': the CRM said no"
    assert [(step["name"], step["state"]) for step in view["steps"]] == [("account", "failed")]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/onbord/runs", {}, 404, "not_found"),
        ("POST", "/onboard/runs", {"given": []}, 400, "invalid_arguments"),
        ("POST", "/onboard/runs", {"at": "tomorrow"}, 400, "invalid_arguments"),
        ("POST", "/onboard/runs", {"key": "a:b"}, 400, "invalid_arguments"),
        ("GET", "/runs/default:onboard:none", None, 404, "not_found"),
        ("GET", "/runs?states=gone", None, 400, "invalid_arguments"),
        ("GET", "/runs?cursor=nonsense", None, 400, "invalid_arguments"),
        ("POST", "/runs/default:onboard:none/resume", {}, 404, "not_found"),
    ],
)
async def test_bad_input_is_named_with_the_way_out(rest: Rest, method: str, path: str, body: Json, status: int, code: str) -> None:
    answer = await rest.send(method, path, **({} if body is None else {"json": body}))
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["message"]


async def test_a_weaker_token_does_not_have_a_run_go_on_that_may_more(rest: Rest) -> None:
    """The run would do with the scopes that it was started with what the token may not."""
    await rest.send("POST", "/onboard/runs", json={"given": {"fails": True}, "key": "k"})
    await rest.ended("default:onboard:k", "failed")
    weaker = await token_for(rest.gateway, rest.person, scopes=frozenset({"mcp", "workflows:read", "workflows:write"}))
    headers = {"authorization": f"Bearer {weaker}"}
    refused = await rest.send("POST", "/runs/default:onboard:k/resume", headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "insufficient_scope")
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
    assert (await rest.send("POST", "/runs/default:onboard:k/resume")).status_code == 202
