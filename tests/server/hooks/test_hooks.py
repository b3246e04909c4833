"""`POST /hooks/{source}` of a gateway: what is taken, what is said to whom, and what a forger learns."""

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2
import orjson
import pytest
from sqlalchemy import select

from oauth.tenants import Tenant
from oauth.vault.named_secrets import NamedSecrets
from server.app import Gateway
from server.hooks.endpoint import REFUSED_AFTER_S
from server.rate_limits import Limit, RateLimits
from server.storage.schema.workflows.workflow_tables import workflow_runs
from tests.gateway import NOWHERE, opened
from tests.tools.workflows.webhooks.signing import EVENT, NOW, SENDERS, Sender
from tests.waiting import until
from tools.workflows.webhooks.webhook import MAX_BODY_BYTES, Webhook

STRIPE = SENDERS[0]
each = pytest.mark.parametrize("sender", SENDERS, ids=lambda sender: sender.name)


@dataclass
class Hooks:
    """A gateway with one webhook of each scheme for two tenants, at a time that stands still."""

    gateway: Gateway
    http: httpx2.AsyncClient
    #: how long refusals were held back
    waits: list[float] = field(default_factory=list)

    async def send(self, path: str, headers: dict[str, str], body: bytes = EVENT, method: str = "POST") -> httpx2.Response:
        return await self.http.request(method, path, content=body, headers=headers)

    async def signed(self, sender: Sender, path: str | None = None, body: bytes = EVENT, **headers: str) -> httpx2.Response:
        path = path or f"/hooks/{sender.name}"
        return await self.send(path, {**sender.headers(body, url=NOWHERE + path), **headers}, body)

    async def runs(self) -> list[tuple[str, str, dict[str, Any]]]:
        async with self.gateway.store.database.read() as connection:
            rows = (await connection.execute(select(workflow_runs))).all()
        return [(row.tenant_id, row.workflow, orjson.loads(row.given)) for row in rows]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def hooks(tmp_path: Path) -> AsyncIterator[Hooks]:
    async with opened(tmp_path) as gateway:
        secrets = NamedSecrets(gateway.connections.vault)
        await gateway.store.tenants.add(Tenant("acme", "Acme"))
        await gateway.tenants.load(gateway.store.tenants.all)
        for sender in SENDERS:
            await secrets.put("default", sender.name, sender.secret, "operator")
        await gateway.store.durable.webhooks.put("default", [of(sender) for sender in SENDERS])
        await secrets.put("acme", "stripe", b"the secret of acme", "operator")
        await gateway.store.durable.webhooks.put("acme", [of(STRIPE, "acme")])
        transport = httpx2.ASGITransport(gateway.app)
        async with httpx2.AsyncClient(transport=transport, base_url=NOWHERE, timeout=20) as http:
            found = Hooks(gateway, http)

            async def note(wait_s: float) -> None:
                found.waits.append(wait_s)

            gateway.webhooks.endpoint.clock = lambda: float(NOW)
            gateway.webhooks.endpoint.sleep = note
            yield found


def of(sender: Sender, tenant_id: str = "default") -> Webhook:
    made = sender.webhook(tenant_id)
    return Webhook(tenant_id, sender.name, made.scheme, (sender.name,), "noted", generic=made.generic)


@each
async def test_a_signed_event_is_taken_and_starts_its_run(hooks: Hooks, sender: Sender) -> None:
    answer = await hooks.signed(sender)
    assert answer.status_code == 202, answer.text
    [(tenant, workflow, given)] = await hooks.runs()
    assert (tenant, workflow, given["source"]) == ("default", "noted", sender.name)
    assert answer.json() == {"status": "accepted", "delivery": given["delivery"]}
    again = await hooks.signed(sender)
    # GitHub and senders like the one of `hmac` give each request of the helper a new id; what they signed is what was signed before.
    if sender.name != "standard":
        assert (again.status_code, again.json()["status"]) == (202, "duplicate" if sender.name != "hmac" else "accepted")


async def test_nobody_learns_what_was_wrong(hooks: Hooks) -> None:
    """Unknown source, unknown and suspended tenant, wrong and missing signature, other tenant's key: one answer, after one time."""
    headers = STRIPE.headers()
    await hooks.gateway.store.tenants.add(Tenant("gone", "Gone", suspended=True))
    answers = [
        await hooks.send("/hooks/stripe", {}),
        await hooks.send("/hooks/stripe", headers, EVENT + b" "),
        await hooks.send("/hooks/stripe", Sender("stripe", b"guess").headers()),
        await hooks.send("/hooks/stripe", STRIPE.headers(at_s=NOW - 301)),
        await hooks.send("/hooks/acme/stripe", headers),
        await hooks.send("/hooks/nobody", headers),
        await hooks.send("/hooks/gone/stripe", headers),
        await hooks.send("/hooks/nowhere/stripe", headers),
        await hooks.send("/hooks/default/stripe", headers),
        await hooks.send("/hooks/acme/", headers),
        await hooks.send("/hooks/", headers),
        await hooks.send("/hooks/%73tripe", headers),
        await hooks.send("/hooks/stripe/../stripe/x/y", headers),
        await hooks.send("/hooks/" + "a" * 3_000, headers),
    ]
    assert {(each.status_code, each.content, each.headers["www-authenticate"]) for each in answers} == {
        (401, answers[0].content, "Signature")
    }
    assert len(hooks.waits) == len(answers)
    assert all(0 <= wait_s <= REFUSED_AFTER_S for wait_s in hooks.waits)
    assert await hooks.runs() == []


async def test_a_tenants_address_has_its_name(hooks: Hooks) -> None:
    sender = Sender("stripe", b"the secret of acme")
    assert (await hooks.signed(sender, "/hooks/acme/stripe")).status_code == 202
    assert (await hooks.signed(sender, "/hooks/stripe")).status_code == 401
    assert [tenant for tenant, *_ in await hooks.runs()] == ["acme"]


async def test_events_are_posted(hooks: Hooks) -> None:
    """The same for every address, so nobody finds sources by it."""
    for method in ("GET", "HEAD", "PUT", "OPTIONS", "DELETE"):
        answers = [await hooks.send(path, {}, method=method) for path in ("/hooks/stripe", "/hooks/nobody")]
        assert [(each.status_code, each.headers["allow"]) for each in answers] == [(405, "POST")] * 2, method


async def test_a_body_is_read_to_a_megabyte(hooks: Hooks) -> None:
    """Whoever sends more is told so before anything is looked at, at every address alike."""
    largest = b'{"id":"evt_large","pad":"' + b"a" * (MAX_BODY_BYTES - 27) + b'"}'
    assert len(largest) == MAX_BODY_BYTES
    assert (await hooks.signed(STRIPE, body=largest)).status_code == 202
    more = largest + b" "
    assert [(await hooks.signed(STRIPE, path, more)).status_code for path in ("/hooks/stripe", "/hooks/nobody")] == [413, 413]

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield bytes(MAX_BODY_BYTES // 32)

    assert (await hooks.http.post("/hooks/nobody", content=pieces())).status_code == 413


async def test_a_body_may_come_in_pieces(hooks: Hooks) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for index in range(0, len(EVENT), 7):
            yield EVENT[index : index + 7]

    answer = await hooks.http.post("/hooks/stripe", content=pieces(), headers=STRIPE.headers())
    assert answer.status_code == 202


UNFIT: list[tuple[bytes, dict[str, str]]] = [
    (b"{", {}),
    (b'{"a":"\xff"}', {}),
    (b"\x1f\x8b\x08", {"content-encoding": "gzip"}),
    (b"[" * 100_000, {}),
    (b"[" + b"0," * 60_000 + b"0]", {}),
    (b"", {}),
    (b"\xff\xfe", {"content-type": "text/plain"}),
    (b"payload=%7B%22id%22", {"content-type": "application/x-www-form-urlencoded"}),
    (b"&".join([b"a=1"] * 2_000), {"content-type": "application/x-www-form-urlencoded"}),
]
ODD: list[tuple[bytes, dict[str, str]]] = [
    (b"a=1&b=2", {"content-type": "application/x-www-form-urlencoded"}),
    (b"payload=%7B%22id%22%3A%22f%22%7D", {"content-type": "application/x-www-form-urlencoded"}),
    (b"words", {"content-type": "text/plain"}),
    (b'{"id":"\\u0000\\ud800"}', {}),
    (b'{"id":{"not":"a text"},"type":7}', {}),
    (b'{"id":"' + b"i" * 5_000 + b'"}', {}),
    (b"null", {}),
]


async def test_a_sender_is_told_what_is_wrong_with_its_body(hooks: Hooks) -> None:
    """Only whoever can sign: it is theirs to mend."""
    for body, headers in UNFIT:
        answer = await hooks.signed(STRIPE, None, body, **headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_body"), body[:40]
        assert answer.json()["error"]["hint"]
    assert await hooks.runs() == []


async def test_odd_bodies_and_ids_are_events_all_the_same(hooks: Hooks) -> None:
    """What no database or terminal takes as it is in an id is written out; what is no id leaves the content to be it."""
    for body, headers in ODD:
        answer = await hooks.signed(STRIPE, None, body, **headers)
        assert (answer.status_code, answer.json().get("status")) == (202, "accepted"), body[:40]
    runs = [given for _tenant, _workflow, given in await hooks.runs()]
    assert len(runs) == len(ODD)
    assert all(given["event_id"].isprintable() and len(given["event_id"]) < 220 for given in runs)


async def test_headers_without_end_are_looked_at_once(hooks: Hooks) -> None:
    """Thousands of signatures in one header are eight at most; nothing is taken, and nothing breaks."""
    at = f"t={NOW}"
    right = STRIPE.headers()["stripe-signature"].partition(",")[2]
    for value in (
        at + ",v1=00" * 4_000,
        at + "," + "v1=" + "0" * 12_000,
        ",".join([at, *["v1=" + "00" * 32] * 50, right]),
        "=,=,=",
        "t,v1",
    ):
        assert (await hooks.send("/hooks/stripe", {"stripe-signature": value})).status_code == 401


async def test_challenges_and_pings_are_answered_and_start_nothing(hooks: Hooks) -> None:
    by_name = {sender.name: sender for sender in SENDERS}
    slack = by_name["slack"]
    challenge = b'{"type":"url_verification","challenge":"3eZbrw1a"}'
    answer = await hooks.signed(slack, body=challenge)
    assert (answer.status_code, answer.json()) == (200, {"challenge": "3eZbrw1a"})
    github = by_name["github"]
    ping = await hooks.send("/hooks/github", {**github.headers(), "x-github-event": "ping"})
    assert (ping.status_code, ping.json()) == (200, {"pong": True})
    assert (await hooks.send("/hooks/slack", {}, challenge)).status_code == 401
    assert await hooks.runs() == []


async def test_an_id_that_is_not_signed_does_not_make_an_old_request_new(hooks: Hooks) -> None:
    """GitHub signs the body alone: whoever has recorded a request may write another delivery id on it."""
    github = next(each for each in SENDERS if each.name == "github")
    headers = github.headers()
    first = await hooks.send("/hooks/github", headers)
    forged = await hooks.send("/hooks/github", {**headers, "x-github-delivery": "another"})
    assert forged.json() == {"status": "duplicate", "delivery": first.json()["delivery"]}
    assert len(await hooks.runs()) == 1


async def test_a_retry_with_a_new_signature_is_the_same_event(hooks: Hooks) -> None:
    """Stripe signs each try anew; Slack counts its tries in a header."""
    slack = next(each for each in SENDERS if each.name == "slack")
    for sender in (STRIPE, slack):
        path = f"/hooks/{sender.name}"
        tries = [
            await hooks.send(path, {**sender.headers(at_s=NOW + late_s), "x-slack-retry-num": str(index)})
            for index, late_s in enumerate((0, 60, 300))
        ]
        assert [each.json()["status"] for each in tries] == ["accepted", "duplicate", "duplicate"]
    assert len(await hooks.runs()) == 2


async def test_many_requests_of_one_event_at_once_start_one_run(hooks: Hooks) -> None:
    answers: list[str] = []

    async def send() -> None:
        answers.append((await hooks.signed(STRIPE)).json()["status"])

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(send)
    assert sorted(answers) == ["accepted"] + ["duplicate"] * 19
    assert len(await hooks.runs()) == 1


async def test_a_source_has_a_limit_that_forgers_do_not_use_up(hooks: Hooks) -> None:
    """The sender is told when to come again; requests without proof count for nobody."""
    hooks.gateway.webhooks.endpoint.limits = RateLimits(limits={"hook_source": Limit(60, 2)}, clock=lambda: 0.0)
    for _ in range(10):
        assert (await hooks.send("/hooks/stripe", {})).status_code == 401
    answers = [await hooks.signed(STRIPE) for _ in range(3)]
    assert [each.status_code for each in answers] == [202, 202, 429]
    assert answers[2].headers["retry-after"] == "2"
    assert (await hooks.signed(Sender("stripe", b"the secret of acme"), "/hooks/acme/stripe")).status_code == 202


async def test_a_change_is_followed_while_it_runs(hooks: Hooks) -> None:
    """A webhook that is removed, and a secret that is replaced, by a command in another process."""
    store, secrets = hooks.gateway.store, NamedSecrets(hooks.gateway.connections.vault)
    assert (await hooks.signed(STRIPE)).status_code == 202
    await secrets.put("default", "stripe", b"rolled", "operator")
    await store.durable.webhooks.secret_changed("default", "stripe")
    rolled = Sender("stripe", b"rolled")

    async def answers(status: int) -> bool:
        return (await hooks.signed(rolled)).status_code == status

    await until(lambda: answers(202))
    assert (await hooks.signed(STRIPE)).status_code == 401
    await store.durable.webhooks.remove("default", "stripe")
    await until(lambda: answers(401))


async def test_a_rotated_data_key_opens_what_it_sealed(hooks: Hooks) -> None:
    """`ascend vault rotate` seals every secret anew while requests come."""
    await hooks.signed(STRIPE)
    endpoint = hooks.gateway.webhooks.endpoint
    for place, sealed in list(endpoint.known._sealed.items()):
        endpoint.known._sealed[place] = [type(each)(each.tenant_id, each.name, each.version, "gone", each.sealed) for each in sealed]
    assert (await hooks.signed(STRIPE)).status_code == 202


async def test_no_word_of_a_body_or_secret_is_logged(hooks: Hooks, caplog: pytest.LogCaptureFixture) -> None:
    """Refused, unfit and accepted alike; and a forger writes one line a minute at most."""
    caplog.set_level(logging.DEBUG)
    marked = b'{"id":"evt_9","note":"a-word-of-the-body"}'
    await hooks.signed(STRIPE, body=marked)
    await hooks.signed(STRIPE, body=marked[:-1])
    for _ in range(5):
        await hooks.send("/hooks/stripe", {"stripe-signature": "t=1,v1=a-word-of-the-body"}, marked)
    lines = [f"{record.getMessage()} {json.dumps(record.__dict__, default=str)}" for record in caplog.records]
    assert not [line for line in lines if "a-word-of-the-body" in line or STRIPE.secret.decode() in line]
    assert sum("webhook_refused" in line for line in lines) == 1


async def test_requests_are_counted_by_what_became_of_them(hooks: Hooks) -> None:
    await hooks.signed(STRIPE)
    await hooks.signed(STRIPE)
    await hooks.send("/hooks/stripe", {})
    metrics = (await hooks.http.get("/metrics")).text
    found = {line.partition("{")[2] for line in metrics.splitlines() if line.startswith("ascend_webhook_requests_total{")}
    assert {'outcome="accepted"} 1.0', 'outcome="duplicate"} 1.0', 'outcome="refused"} 1.0'} <= found
