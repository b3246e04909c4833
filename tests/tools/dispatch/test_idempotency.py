"""A write happens once for one key, whatever the client, the network and the process do."""

import asyncio
from dataclasses import replace

import pytest

from server.storage.memory.tools import MemoryIdempotencyStore
from tests.tools.stand_ins import BOB, Answer, DispatcherInMemory, HeldBack, answering, gateway, operation
from tools.dispatch.outcome_codec import MAX_RECORD_BYTES, decode_outcome, encode_outcome
from tools.effects import UNSURE
from tools.operation import Call, Download, Failure, Json, Outcome, Page, ResponseMeta
from tools.quotas import Quota, Quotas

CREATE = operation("crm.notes.create", "write")
PUT = operation("crm.notes.replace", "write", idempotent=True)
READ = operation("crm.notes.list")


async def create(house: DispatcherInMemory, text: str = "hi", **options: Json) -> Outcome:
    return await house.call("call_api", {"api": CREATE.id, "args": {"text": text}, **options})


async def test_the_same_write_again_answers_from_the_record() -> None:
    """three-tools.md: MCP's own retries must not write twice; no key is needed for that."""
    house = await gateway([CREATE])
    house.runner.answers[CREATE.id] = answering({"id": 7}, http=ResponseMeta(201))
    first, second = await create(house), await create(house)
    assert (first.data, first.note) == ({"id": 7}, None)
    assert second.data == {"id": 7}
    assert second.http == ResponseMeta(201)
    assert second.note is not None
    assert "nothing was sent" in second.note
    assert len(house.runner.calls) == 1


async def test_another_selection_of_the_same_write_is_still_the_same_write() -> None:
    """What of the answer comes back does not change what is written."""
    house = await gateway([CREATE])
    await create(house)
    assert (await create(house, select="text")).data == "hi"
    assert len(house.runner.calls) == 1


async def test_other_arguments_another_subject_or_a_new_key_write_again() -> None:
    """The key is bound to tenant, subject, operation, account and arguments."""
    house = await gateway([replace(CREATE, connection="crm")])
    await create(house)
    await create(house, "other")
    await create(house, account="home")
    await create(house, idempotency_key="again")
    await house.call("call_api", {"api": CREATE.id, "args": {"text": "hi"}}, BOB)
    assert len(house.runner.calls) == 5


async def test_a_key_with_other_arguments_is_refused() -> None:
    """three-tools.md: a repeated call with the same key *and arguments* answers the record."""
    house = await gateway([CREATE])
    await create(house, idempotency_key="k")
    refused = await create(house, "other", idempotency_key="k")
    assert refused.error is not None
    assert refused.error.code == "idempotency_conflict"
    assert len(house.runner.calls) == 1


async def test_a_record_is_forgotten_after_a_day() -> None:
    """24 h."""
    house = await gateway([CREATE])
    await create(house)
    house.clock[0] += 24 * 3600 + 1
    await create(house)
    assert len(house.runner.calls) == 2


async def test_reads_and_idempotent_writes_run_every_time_unless_they_name_a_key() -> None:
    """RFC 9110 §9.2.2: repeating them does no harm, while answering from a record would hide a later change."""
    house = await gateway([READ, PUT])
    for name in (READ.id, PUT.id, READ.id, PUT.id):
        await house.call("call_api", {"api": name})
    assert len(house.runner.calls) == 4
    for _ in range(2):
        await house.call("call_api", {"api": PUT.id, "idempotency_key": "k"})
    assert len(house.runner.calls) == 5


async def test_a_write_that_the_upstream_refused_can_be_repeated() -> None:
    """Nothing was written, so nothing is on record."""
    house = await gateway([CREATE])
    house.runner.answers[CREATE.id] = failing(Failure("upstream_rejected", "crm answered 422", upstream={"status": 422, "body": {}}))
    await create(house)
    del house.runner.answers[CREATE.id]
    assert (await create(house)).status == "ok"


async def test_a_failure_that_may_have_taken_effect_answers_for_a_while_and_then_runs_again() -> None:
    """A retry that follows at once must not write twice; one much later must not meet an old failure."""
    house = await gateway([CREATE])
    house.runner.answers[CREATE.id] = failing(Failure("upstream_timeout", "crm gave no answer"))
    await create(house)
    del house.runner.answers[CREATE.id]
    again = await create(house)
    assert again.error is not None
    assert again.error.code == "upstream_timeout"
    assert len(house.runner.calls) == 1
    house.clock[0] += 121
    assert (await create(house)).status == "ok"


async def test_two_of_the_same_write_at_once_are_sent_once() -> None:
    """In-flight duplicates wait for the first."""
    house = await gateway([CREATE])
    house.runner.answers[CREATE.id] = slow = HeldBack({"id": 1})
    first = asyncio.create_task(create(house))
    await slow.begun.wait()
    second = asyncio.create_task(create(house))
    await asyncio.sleep(0)
    slow.leave.set()
    assert (await first).data == (await second).data == {"id": 1}
    assert len(house.runner.calls) == 1


async def test_a_write_whose_caller_is_gone_still_leaves_its_record() -> None:
    """2026-07-28: a broken stream loses the request and the client sends it again."""
    house = await gateway([CREATE])
    house.runner.answers[CREATE.id] = slow = HeldBack({"id": 1})
    first = asyncio.create_task(create(house))
    await slow.begun.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    retried = asyncio.create_task(create(house))
    await asyncio.sleep(0)
    slow.leave.set()
    assert (await retried).data == {"id": 1}
    assert len(house.runner.calls) == 1


async def test_a_claim_of_another_node_is_said_and_not_run() -> None:
    """IdempotencyStore.begin raises KeyInFlight across processes."""
    house = await gateway([CREATE])
    started = asyncio.Event()

    async def never(call: Call) -> Outcome:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    house.runner.answers[CREATE.id] = never
    first = asyncio.create_task(create(house))
    await started.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    other_node = await gateway([CREATE], keys=house.keys)
    refused = await create(other_node)
    assert refused.error is not None
    assert (refused.error.code, refused.error.retryable) == ("in_flight", True)
    assert other_node.runner.calls == []
    await house.idempotency.drain(0)


async def test_the_runner_gets_the_key_that_it_may_pass_on() -> None:
    """An upstream with idempotency keys of its own gets ours."""
    house = await gateway([CREATE])
    await create(house)
    await create(house, idempotency_key="mine")
    automatic, own = (call.options.idempotency_key for call in house.runner.calls)
    assert automatic is not None
    assert automatic.startswith("auto:")
    assert own == "mine"


def test_an_outcome_survives_its_record() -> None:
    """What a replay answers is what the first call answered."""
    failure = Failure("c", "m", True, 1.5, {"status": 500, "body": None}, ("a",), "h", ({"path": "p"},), frozenset({"s"}))
    outcome = Outcome("error", data=[1], page=Page("n", True, 1), http=ResponseMeta(500, "r", {"limit": 1}), error=failure, notes=("n",))
    assert decode_outcome(encode_outcome(outcome, 12.5)) == (outcome, 12.5)
    file = Outcome("ok", data=Download(b"\xff\x00", "image/png", "a.png"))
    assert decode_outcome(encode_outcome(file, 1))[0] == file


def test_a_record_stays_small_and_says_what_it_left_out() -> None:
    """Nothing is cut silently."""
    encoded = encode_outcome(Outcome("ok", data="x" * MAX_RECORD_BYTES), 1)
    assert len(encoded) < 200
    assert decode_outcome(encoded)[0].note == "its answer was too large to be kept with the record, or there was no room for it"


def failing(failure: Failure) -> Answer:
    async def answer(call: Call) -> Outcome:
        return Outcome("error", error=failure)

    return answer


@pytest.mark.parametrize(
    ("failure", "is_kept"),
    [
        (Failure("upstream_reset", "crm broke off"), True),
        (Failure("upstream_timeout", "crm was silent"), True),
        (Failure("upstream_timeout", "crm took no connection", sent=False), False),
        (Failure("upstream_unreachable", "nobody there"), False),
        (Failure("egress_refused", "not public"), False),
        (Failure("internal_error", "our own fault"), True),
        (Failure("a_code_of_tomorrow", "who knows"), True),
        (Failure("upstream_error", "crm answered: -32000"), True),
        (Failure("upstream_tool_error", "the note is locked", declined=True), False),
        (Failure("upstream_malformed", "crm answered 201", upstream={"status": 201, "body": "<"}), True),
        (Failure("upstream_redirected", "crm answered 303", upstream={"status": 303, "body": None}), True),
        (Failure("upstream_redirected", "crm answered 307", upstream={"status": 307, "body": None}), False),
        (Failure("upstream_rejected", "crm answered 408", upstream={"status": 408, "body": None}), True),
        (Failure("upstream_rate_limited", "crm answered 429", upstream={"status": 429, "body": None}), False),
        (Failure("upstream_error", "crm answered 503", upstream={"status": 503, "body": None}), True),
    ],
)
async def test_a_key_is_given_back_only_where_it_is_known_that_nothing_was_written(failure: Failure, is_kept: bool) -> None:
    """Everything else is unsure: the same call again is answered from the record, and is not sent."""
    house = await gateway([CREATE])
    house.runner.answers[CREATE.id] = failing(failure)
    await create(house)
    again = await create(house)
    assert len(house.runner.calls) == (1 if is_kept else 2)
    assert ("nothing was sent" in (again.note or "")) is is_kept


async def test_our_own_fault_after_sending_is_not_sent_again() -> None:
    """Nobody knows how far it came."""
    house = await gateway([CREATE])

    async def breaks(call: Call) -> Outcome:
        raise RuntimeError("after the write")

    house.runner.answers[CREATE.id] = breaks
    first, second = await create(house), await create(house)
    for outcome in (first, second):
        assert outcome.error is not None
        assert (outcome.error.code, outcome.error.retryable) == ("internal_error", False)
        assert outcome.error.hint == UNSURE
    assert len(house.runner.calls) == 1


async def test_a_write_whose_answer_has_no_room_is_recorded_and_not_sent_again() -> None:
    """Its record says how it ended, without the answer."""
    keys = MemoryIdempotencyStore(quotas=Quotas("answers on record", Quota(9, 5_000), Quota(9, 5_000), "wait"))
    house = await gateway([CREATE], keys=keys)
    house.runner.answers[CREATE.id] = answering({"id": 7, "text": "x" * 6_000})
    assert (await create(house)).status == "ok"
    again = await create(house)
    assert (again.status, again.data) == ("ok", None)
    assert "no room" in (again.note or "")
    assert len(house.runner.calls) == 1
