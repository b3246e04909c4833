"""A private cache (RFC 9111): right by its headers, and never for anybody else."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from oauth.connections.credentials import Readiness
from oauth.principal import Principal
from tests.tools.stand_ins import ADA, BOB, CLIENT, KnownConnections, operation
from tests.waiting import until
from tools.operation import Again, Call, CallOptions, Json, Operation, Outcome, ResponseMeta
from tools.shared_answers import SharedAnswers
from tools.sources.http.caching.response_cache import CachingRunner

GET = replace(operation("crm.contacts.get", connection="crm"), binding={"method": "GET"})
POST = replace(operation("crm.contacts.update", "write", connection="crm"), binding={"method": "POST"})
NOW = 1_800_000_000.0


@dataclass
class Upstream:
    """Counts calls; answers version after version with the headers that a test sets."""

    headers: dict[str, str]
    calls: list[Call] = field(default_factory=list)
    version: Any = 1
    gate: asyncio.Event | None = None
    keeps_time: bool = True

    async def run(self, call: Call) -> Outcome:
        self.calls.append(call)
        version = self.version
        if self.gate is not None:
            await self.gate.wait()
        headers = {"etag": f'"{version}"', **self.headers}
        if call.directions.if_none_match == headers["etag"]:
            return Outcome("ok", http=ResponseMeta(304, headers=headers))
        return Outcome("ok", data={"version": version}, http=ResponseMeta(200, headers=headers))

    async def preview(self, call: Call) -> Json:
        return {}


class House:
    #: where all processes keep
    shared: SharedAnswers | None = None

    def __init__(self, **headers: str) -> None:
        self.now = NOW
        self.upstream = Upstream({name.replace("_", "-"): value for name, value in headers.items()})
        self.accounts = KnownConnections()
        self.cache = CachingRunner(self.upstream, self.accounts, lambda: self.now, self.shared)

    async def read(self, principal: Principal = ADA, which: Operation = GET, **options: Json) -> Outcome:
        async with asyncio.timeout(30):
            return await self.cache.run(call_of(principal, which, CallOptions(**options)))


@pytest.fixture(params=["alone", "together"], autouse=True)
def keeping(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process keeps for itself, or all of them in Redis: what a caller gets is the same."""
    if request.param == "together":
        monkeypatch.setattr(House, "shared", request.getfixturevalue("redis_nodes")[0].answers)


def call_of(principal: Principal, which: Operation, options: CallOptions) -> Call:
    again: Again = None  # type: ignore[assignment]  # a cache runs nothing else
    deadline = asyncio.get_running_loop().time() + 5
    return Call(principal, which, {"id": 1}, options, "call_api", "t", deadline, CLIENT, again)


async def test_a_fresh_answer_is_used_again_and_an_old_one_is_not() -> None:
    """RFC 9111 §4.2: max-age."""
    house = House(cache_control="max-age=60")
    assert (await house.read()).data == {"version": 1}
    house.upstream.version = 2
    house.now += 59
    aged = await house.read()
    assert (aged.data, aged.note) == ({"version": 1}, "from the cache, 59 s old, as its upstream allows")
    house.now += 2
    assert (await house.read()).data == {"version": 2}
    assert len(house.upstream.calls) == 2


async def test_a_stale_answer_is_asked_for_with_its_etag_and_renewed_by_304() -> None:
    """RFC 9111 §4.3."""
    house = House(cache_control="max-age=10")
    await house.read()
    house.now += 11
    renewed = await house.read()
    assert house.upstream.calls[-1].directions.if_none_match == '"1"'
    assert renewed.data == {"version": 1}
    assert renewed.http is not None
    assert renewed.http.status == 200
    house.now += 5
    await house.read()
    assert len(house.upstream.calls) == 2


@pytest.mark.parametrize("control", ["no-store", "", "private"])
async def test_what_may_not_be_kept_or_says_nothing_is_asked_for_each_time(control: str) -> None:
    """RFC 9111 §5.2.2.5; no heuristic freshness."""
    house = House(cache_control=control)
    await house.read()
    await house.read()
    assert len(house.upstream.calls) == 2


async def test_nobody_gets_what_another_principal_or_account_read() -> None:
    """Vary on the principal: tenant, subject and account are part of the key."""
    house = House(cache_control="max-age=60, public")
    house.accounts.readiness_by_provider["crm"] = Readiness("crm", "ready", ("work", "home"), "work")
    await house.read()
    await house.read(BOB)
    await house.read(replace(ADA, tenant_id="other"))
    await house.read(account="home")
    assert len(house.upstream.calls) == 4
    await house.read(account="work")
    assert len(house.upstream.calls) == 4


async def test_an_account_that_was_disconnected_reads_nothing_from_the_cache() -> None:
    """What it once read is not read again without it."""
    house = House(cache_control="max-age=60")
    await house.read()
    house.accounts.readiness_by_provider["crm"] = Readiness("crm", "needs_auth")
    await house.read()
    assert len(house.upstream.calls) == 2


async def test_a_write_forgets_what_its_tenant_has_of_that_provider() -> None:
    """RFC 9111 §4.4, and everybody reads what they wrote."""
    house = House(cache_control="max-age=60")
    await house.read()
    await house.read(BOB)
    await house.read(which=POST)
    await house.read()
    await house.read(BOB)
    assert [call.operation.id for call in house.upstream.calls].count(GET.id) == 4


async def test_a_read_that_began_before_a_write_is_not_kept_after_it() -> None:
    """Its answer may be older than the write."""
    house = House(cache_control="max-age=60")
    house.upstream.gate = gate = asyncio.Event()
    reading = asyncio.create_task(house.read())
    await until(lambda: house.upstream.calls != [])
    house.upstream.gate = None
    await house.read(which=POST)
    gate.set()
    await reading
    await house.read()
    assert [call.operation.id for call in house.upstream.calls] == [GET.id, POST.id, GET.id]


async def test_a_stale_answer_serves_while_one_background_call_renews_it() -> None:
    """RFC 5861 §3."""
    house = House(cache_control="max-age=10, stale-while-revalidate=60")
    await house.read()
    house.now += 20
    house.upstream.version, house.upstream.gate = 2, asyncio.Event()
    stale = [await house.read() for _ in range(3)]
    assert [outcome.data for outcome in stale] == [{"version": 1}] * 3
    house.upstream.gate.set()
    await house.cache.settle()
    assert (await house.read()).data == {"version": 2}
    assert len(house.upstream.calls) == 2


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_an_answer_counts_as_what_it_is_whatever_its_header_says(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """Content-Length of a compressed answer is that of the wire (RFC 9110 §8.6); memory holds the rest as well."""
    monkeypatch.setattr("tools.sources.http.caching.response_cache.MAX_ENTRY_BYTES", 1_000)
    for version, kept in ((10**2_000, False), (10**20, True)):
        house = House(cache_control="max-age=60", content_encoding=encoding, content_length="20")
        house.upstream.version = version
        await house.read()
        await house.read()
        assert len(house.upstream.calls) == (1 if kept else 2)


async def test_answers_are_weighed_by_what_they_are_in_memory() -> None:
    """Empty lists take twenty times their text: a cache bounded by 64 MB of text held 860 MB."""
    house = House(cache_control="max-age=60")
    house.upstream.version = [[] for _ in range(100_000)]
    await house.read()
    await house.read()
    assert len(house.upstream.calls) == 2


async def test_errors_and_other_kinds_pass_through() -> None:
    """Only safe methods of imported operations are kept."""
    house = House(cache_control="max-age=60")
    for which in (replace(GET, kind="builtin"), replace(GET, binding={"method": "POST"})):
        await house.read(which=which)
        await house.read(which=which)
    assert len(house.upstream.calls) == 4


async def test_nothing_is_left_of_a_tenant_that_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor a validator, by which an upstream would say that what another of its name read still holds."""
    monkeypatch.setattr(House, "shared", None)
    house = House(cache_control="max-age=60")
    other = replace(ADA, tenant_id="other")
    for principal in (ADA, other):
        await house.read(principal)
    house.cache.forget_tenant(ADA.tenant_id)
    await house.read()
    assert house.upstream.calls[-1].directions.if_none_match is None
    await house.read(other)
    assert len(house.upstream.calls) == 3
