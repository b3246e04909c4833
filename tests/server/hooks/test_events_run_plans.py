"""From a file to a run: a stored plan is applied, an event starts it, and what cannot be undone happens where a person agreed."""

import functools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread
import httpx2
import orjson
import pytest

from oauth.vault.named_secrets import NamedSecrets
from server.app import Gateway
from tests.command_line import Said, ascend_here
from tests.gateway import EMAIL, NOWHERE, SCOPES, add_person, opened
from tests.tools.workflows.webhooks.signing import Sender
from tests.waiting import until
from tools.workflows.stores import ENDED, ActsFor, RunView
from tools.workflows.webhooks.webhook import Webhook

PAID = """
workflow: order-paid
title: Remembers who paid what
input:
  properties:
    event_id: {type: string}
    body:
      type: object
      properties: {name: {type: string}, amount: {type: integer}}
      required: [name, amount]
  required: [body]
steps:
  - id: told
    api: context_assert
    args:
      facts:
        - {subject: {$ref: input.body.name}, predicate: paid, value: {$ref: "to_string(input.body.amount)"}}
      episode: {source: shop, source_id: {$ref: input.event_id}, content: paid}
  - id: asked
    api: context_query
    args: {query: what was paid, entities: [{$ref: input.body.name}]}
    depends_on: [told]
return: "asked.data.facts[].value"
"""
FORGET = """
workflow: forget-customer
allow: destructive
steps:
  - id: gone
    api: context_forget
    args: {entity: {$ref: input.name}}
return: gone.data
"""
SHOP = Sender("stripe", b"whsec_of_the_shop")


@dataclass
class House:
    gateway: Gateway
    folder: Path
    http: httpx2.AsyncClient
    ada: ActsFor

    async def apply(self, text: str, *words: str) -> Said:
        file = self.folder / "plan.yaml"
        file.write_text(text, encoding="utf-8")
        command = functools.partial(ascend_here, "workflow", "apply", str(file), *words, data_dir=self.folder / "data")
        return await anyio.to_thread.run_sync(command)

    async def event(self, body: dict[str, object]) -> httpx2.Response:
        raw = orjson.dumps(body)
        headers = SHOP.headers(raw, at_s=self.gateway.webhooks.endpoint.clock())
        return await self.http.post("/hooks/shop", content=raw, headers=headers)

    async def ended(self, run_id: str) -> RunView:
        async def is_over() -> bool:
            view = await self.gateway.work.workflows.show("default", run_id)
            return view is not None and view.state in ENDED

        await until(is_over)
        view = await self.gateway.work.workflows.show("default", run_id)
        assert view is not None
        return view


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with opened(tmp_path / "data") as gateway:
        ada = ActsFor(await add_person(gateway), SCOPES)
        await NamedSecrets(gateway.connections.vault).put("default", "shop", SHOP.secret, "operator")
        await gateway.store.durable.webhooks.put("default", [Webhook("default", "shop", "stripe", ("shop",), "order-paid", ada)])
        transport = httpx2.ASGITransport(gateway.app)
        async with httpx2.AsyncClient(transport=transport, base_url=NOWHERE, timeout=20) as http:
            yield House(gateway, tmp_path, http, ada)


async def run_of(house: House) -> str:
    [delivery] = await house.gateway.store.durable.deliveries.deliveries("default", limit=1)
    return delivery.run_id


async def test_an_event_runs_a_stored_plan_as_the_person_that_the_webhook_names(house: House) -> None:
    said = await house.apply(PAID)
    assert said.stdout.strip() == "order-paid version 1 is in force: 2 steps", said
    assert (await house.event({"id": "evt_1", "name": "Kahuna", "amount": 4200})).status_code == 202
    view = await house.ended(await run_of(house))
    assert (view.state, view.result, view.started_by, view.acts_for) == ("succeeded", ["4200"], "webhook", house.ada.subject)
    assert [step.name for step in view.steps] == ["told", "asked"]
    assert "amount" not in orjson.dumps(dict(view.given)).decode()


async def test_an_event_that_does_not_fit_the_plan_ends_its_run_and_says_why(house: House) -> None:
    await house.apply(PAID)
    assert (await house.event({"id": "evt_2", "name": "Kahuna"})).status_code == 202
    view = await house.ended(await run_of(house))
    assert view.state == "failed"
    assert view.failure is not None
    assert "input.body.amount is missing" in view.failure.message


async def test_what_cannot_be_undone_happens_where_a_person_agreed_to_it(house: House) -> None:
    """Accepted by somebody who may, run by somebody who may; a run without the scope is refused all the same."""
    refused = await house.apply(FORGET)
    assert (refused.returncode, "--as EMAIL" in refused.stderr) == (1, True)
    said = await house.apply(FORGET, "--as", EMAIL)
    assert said.returncode == 0, said
    workflows = house.gateway.work.workflows
    view = await house.ended(await workflows.start("default", "forget-customer", {"name": "Kahuna"}, acts_for=house.ada))
    assert view.failure is None or view.failure.code != "needs_confirmation", view
    less = ActsFor(house.ada.subject, frozenset({"mcp", "mcp:read", "mcp:write"}))
    view = await house.ended(await workflows.start("default", "forget-customer", {"name": "Kahuna"}, acts_for=less))
    assert view.failure is not None
    assert view.failure.code == "insufficient_scope"


async def test_a_replay_runs_the_plan_again_in_its_newest_version(house: House) -> None:
    await house.apply(PAID)
    await house.event({"id": "evt_3", "name": "Kahuna", "amount": 1})
    first = await house.ended(await run_of(house))
    said = await house.apply(PAID.replace('return: "asked.data.facts[].value"', "return: input.body.name"))
    assert "version 2 is in force" in said.stdout
    [delivery] = await house.gateway.store.durable.deliveries.deliveries("default")
    again = await house.gateway.store.durable.deliveries.replay("default", delivery.delivery_id)
    assert again is not None
    second = await house.ended(again)
    assert (first.result, second.result) == (["1"], "Kahuna")
    assert first.version.startswith("1.")
    assert second.version.startswith("2.")
