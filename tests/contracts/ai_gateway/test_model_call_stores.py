"""ModelCallStore in both databases, and the ledger in front of it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from server.storage.ai_gateway import model_call_payloads
from server.storage.ai_gateway.caller_keys import SqlCallerKeyStore
from server.storage.ai_gateway.model_calls import SqlModelCallStore
from server.storage.database import Database
from tests.contracts.ai_gateway.model_calls import Unwatched, call
from tests.contracts.databases import empty_database, url_of
from tests.waiting import until
from tools.ai_gateway.caller_keys import CallerKey
from tools.ai_gateway.payloads.call_payload import CallPayload
from tools.ai_gateway.records import call_ledger
from tools.ai_gateway.records.call_ledger import CallLedger
from tools.ai_gateway.stores import ClosedCall, ModelUsage
from tools.ai_gateway.token_usage import TokenUsage
from tools.metering.spending import Amount, Reservation

DAY_US = 86_400 * 1_000_000


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(url_of(request.param, request, tmp_path)) as opened:
        yield opened


@pytest.fixture
def calls(database: Database) -> SqlModelCallStore:
    return SqlModelCallStore(database)


async def test_a_call_is_read_back_as_it_was(calls: SqlModelCallStore) -> None:
    """Every field survives, and another tenant sees nothing."""
    full, bare = call(), call(cost_nano_usd=None, ttft_ms=None, attempts=(), metadata={}, decision=())
    await calls.append([ClosedCall(full), ClosedCall(bare)])
    assert await calls.find("acme", full.id) == full
    assert await calls.find("acme", bare.id) == bare
    assert await calls.find("globex", full.id) is None


async def test_the_newest_come_first_of_one_tenant_or_of_all(calls: SqlModelCallStore) -> None:
    rows = [call(id=f"mc_{n}", at_us=n, tenant_id="acme" if n % 2 else "globex", gateway="" if n < 2 else "agents") for n in range(4)]
    await calls.append([ClosedCall(row) for row in rows])
    assert [row.id for row in await calls.recent(None, 3)] == ["mc_3", "mc_2", "mc_1"]
    assert [row.id for row in await calls.recent("acme", 9)] == ["mc_3", "mc_1"]
    assert [row.id for row in await calls.recent(None, 9, "")] == ["mc_1", "mc_0"]
    assert [row.id for row in await calls.recent(None, 2, before=(3, "mc_3"))] == ["mc_2", "mc_1"]


async def test_pages_of_calls_hold_each_once_also_where_several_ended_at_the_same_time(calls: SqlModelCallStore) -> None:
    await calls.append([ClosedCall(call(id=f"mc_{n}", at_us=7)) for n in range(5)])
    seen: list[str] = []
    before = None
    while rows := await calls.recent("acme", 2, before=before):
        seen += [row.id for row in rows]
        before = (rows[-1].at_us, rows[-1].id)
    assert seen == ["mc_4", "mc_3", "mc_2", "mc_1", "mc_0"]


async def test_usage_adds_up(calls: SqlModelCallStore, database: Database) -> None:
    """By model, provider, key, user and day; a call without a price is counted and not in the cost."""
    await SqlCallerKeyStore(database).add(CallerKey("key_1", "bot", "acme"), b"hash", 9)
    first = call(at_us=DAY_US, usage=TokenUsage(100, 20, output_tokens=40))
    rows = [
        first,
        call(at_us=2 * DAY_US - 1, usage=TokenUsage(1, output_tokens=2), outcome="error", cost_nano_usd=0),
        call(at_us=2 * DAY_US, usage=TokenUsage(7), cost_nano_usd=None, provider="anthropic", model="c", user="bob", key_id=""),
        call(at_us=2 * DAY_US, tenant_id="globex"),
        call(at_us=DAY_US - 1),
    ]
    await calls.append([ClosedCall(row) for row in rows])
    openai = ModelUsage("openai/m", 2, 1, 101, 20, 42, 1_000, 0)
    unpriced = ModelUsage("anthropic/c", 1, 0, 7, 0, 0, 0, 1)
    assert list(await calls.usage("model", "acme", DAY_US)) == [openai, unpriced]
    assert list(await calls.usage("provider", "acme", DAY_US)) == [replace(openai, of="openai"), replace(unpriced, of="anthropic")]
    assert list(await calls.usage("user", "acme", DAY_US)) == [replace(openai, of="ada@acme.test"), replace(unpriced, of="bob")]
    assert list(await calls.usage("key", "acme", DAY_US)) == [replace(openai, of="bot"), replace(unpriced, of="")]
    assert list(await calls.usage("day", "acme", DAY_US)) == [replace(unpriced, of="1970-01-03"), replace(openai, of="1970-01-02")]
    assert sum(each.calls for each in await calls.usage("model", None, 0)) == 5
    assert [each.calls for each in await calls.usage("model", "acme", DAY_US, 2 * DAY_US)] == [2]


async def test_old_rows_are_forgotten(calls: SqlModelCallStore) -> None:
    await calls.append([ClosedCall(call(at_us=n)) for n in (1, 2, 3)])
    assert await calls.forget_before(3) == 2
    assert [row.at_us for row in await calls.recent(None, 9)] == [3]


async def test_words_are_kept_beside_their_call_and_forgotten_with_it(calls: SqlModelCallStore) -> None:
    """A batch may be written twice; PostgreSQL has no text with a zero in it."""
    wordy, silent = call(at_us=2, payload=CallPayload("a\0b", "c")), call(at_us=3)
    for _ in range(2):
        await calls.append([ClosedCall(wordy), ClosedCall(silent)])
    kept = await calls.find("acme", wordy.id)
    assert kept is not None
    assert kept.payload == CallPayload("a\N{REPLACEMENT CHARACTER}b", "c")
    assert [row.payload for row in await calls.recent("acme", 9)] == [None, kept.payload]
    await calls.forget_before(3)
    await calls.append([ClosedCall(replace(wordy, payload=None))])
    assert [row.payload for row in await calls.recent("acme", 9)] == [None, None]


async def test_of_words_a_tenant_keeps_the_newest_and_takes_none_of_others(
    calls: SqlModelCallStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_call_payloads, "MAX_PER_TENANT", 2)
    await calls.append([ClosedCall(call(at_us=1, tenant_id="globex", payload=CallPayload("x", "y")))])
    for n in range(2, 7):
        await calls.append([ClosedCall(call(at_us=n, payload=CallPayload("x", "y")))])
    assert [row.at_us for row in await calls.recent(None, 9) if row.payload is not None] == [6, 5, 1]


async def test_words_are_let_go_before_rows_where_the_store_does_not_keep_up(
    calls: SqlModelCallStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_ledger, "PAYLOAD_CAPACITY", 1)
    ledger = CallLedger(calls, Unwatched())
    for n in (1, 2):
        ledger.close(call(at_us=n, payload=CallPayload("x", "y")), None, Amount())
    await ledger.flush()
    assert [row.payload is None for row in await calls.recent("acme", 9)] == [True, False]


async def test_what_no_database_takes_holds_up_no_row(calls: SqlModelCallStore) -> None:
    """Callers choose user and metadata, providers the numbers: zeros, halves of surrogate pairs, more tokens than 64 bits count."""
    odd = call(
        user="a\0b", requested="\ud800", usage=TokenUsage(10**30, output_tokens=-1), cost_nano_usd=10**30, metadata={"x": "y" * 9_000}
    )
    await calls.append([ClosedCall(odd), ClosedCall(call())])
    kept = await calls.find("acme", odd.id)
    assert kept is not None
    assert (kept.user, kept.requested) == ("a\N{REPLACEMENT CHARACTER}b", "?")
    assert (kept.usage.input_tokens, kept.usage.output_tokens, kept.cost_nano_usd, kept.metadata) == (10**12, 0, 10**14, {})


async def test_the_ledger_writes_what_is_closed(calls: SqlModelCallStore) -> None:
    """Within a moment, and the rest when it ends."""
    watcher = Unwatched()
    ledger = CallLedger(calls, watcher)

    async def is_written() -> bool:
        return await calls.find("acme", "mc_1") is not None

    async with anyio.create_task_group() as group:
        group.start_soon(ledger.run)
        ledger.close(call(id="mc_1"), None, Amount())
        await until(is_written)
        ledger.close(call(id="mc_2"), None, Amount())
        group.cancel_scope.cancel()
    assert await calls.find("acme", "mc_2") is not None
    assert [record.id for record in watcher.seen] == ["mc_1", "mc_2"]


async def test_a_full_ledger_drops_rows_but_none_that_was_paid_for(calls: SqlModelCallStore) -> None:
    watcher = Unwatched()
    ledger = CallLedger(calls, watcher, capacity=1)
    ledger.close(call(id="mc_1"), None, Amount())
    ledger.close(call(id="mc_2"), None, Amount())
    ledger.close(call(id="mc_3"), Reservation("res_1", (), Amount()), Amount())
    assert await ledger.flush() == 2
    assert {row.id for row in await calls.recent("acme", 9)} == {"mc_1", "mc_3"}
    assert watcher.rows_dropped == 1
