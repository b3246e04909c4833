"""FeedbackStore in both databases: about a call of one's own tenant, the last word counts."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.storage.ai_gateway.feedback import SqlFeedbackStore
from server.storage.ai_gateway.model_calls import SqlModelCallStore
from server.storage.database import Database
from tests.contracts.ai_gateway.model_calls import Unwatched, call
from tests.contracts.databases import empty_database, url_of
from tools.ai_gateway.feedback import CallFeedback, Feedback, ScoredArm
from tools.ai_gateway.records.call_ledger import CallLedger
from tools.ai_gateway.refusals import ModelCallRefused
from tools.ai_gateway.stores import ClosedCall
from tools.metering.spending import Amount
from tools.operation import Json


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(url_of(request.param, request, tmp_path)) as opened:
        yield opened


async def nothing_waits() -> None:
    return None


async def test_feedback_is_read_back_as_it_was_and_the_last_word_counts(database: Database) -> None:
    await SqlModelCallStore(database).append([ClosedCall(call(id="mc_1"))])
    store = SqlFeedbackStore(database)
    feedback = Feedback(store, nothing_waits, lambda: 7.0)
    await feedback.give("acme", "mc_1", 1, "good")
    assert await store.of_call("acme", "mc_1") == CallFeedback("acme", "mc_1", 1.0, "good", 7_000_000)
    await feedback.give("acme", "mc_1", -0.5)
    assert await store.of_call("acme", "mc_1") == CallFeedback("acme", "mc_1", -0.5, "", 7_000_000)


async def test_a_call_may_be_judged_before_the_ledger_has_written_it(database: Database) -> None:
    ledger = CallLedger(SqlModelCallStore(database), Unwatched())
    ledger.close(call(id="mc_1"), None, Amount())
    store = SqlFeedbackStore(database)
    await Feedback(store, ledger.flush).give("acme", "mc_1", 0)
    assert await store.of_call("acme", "mc_1") is not None


@pytest.mark.parametrize(("tenant", "call_id"), [("globex", "mc_1"), ("acme", "mc_2")])
async def test_another_tenants_call_and_none_at_all_look_alike(database: Database, tenant: str, call_id: str) -> None:
    await SqlModelCallStore(database).append([ClosedCall(call(id="mc_1"))])
    with pytest.raises(ModelCallRefused) as refused:
        await Feedback(SqlFeedbackStore(database), nothing_waits).give(tenant, call_id, 1)
    assert (refused.value.status, refused.value.message) == (
        404,
        "no call of that response_id is on record; it is the x-gateway-request-id",
    )


@pytest.mark.parametrize(
    ("response_id", "score", "comment", "param"),
    [
        (None, 1, None, "response_id"),
        ("", 1, None, "response_id"),
        ("x" * 65, 1, None, "response_id"),
        ("mc_1", 7, None, "score"),
        ("mc_1", -1.01, None, "score"),
        ("mc_1", True, None, "score"),
        ("mc_1", "1", None, "score"),
        ("mc_1", float("nan"), None, "score"),
        ("mc_1", 1, 5, "comment"),
        ("mc_1", 1, "x" * 2_001, "comment"),
    ],
)
async def test_what_is_no_feedback_is_told_what_is_wrong(
    database: Database, response_id: Json, score: Json, comment: Json, param: str
) -> None:
    with pytest.raises(ModelCallRefused) as refused:
        await Feedback(SqlFeedbackStore(database), nothing_waits).give("acme", response_id, score, comment)
    assert (refused.value.status, refused.value.code, refused.value.param) == (400, "invalid_request", param)


async def test_arms_of_an_experiment_are_compared_by_what_people_thought(database: Database) -> None:
    arms = ("cf/b", "cf/b", "cf/control", "cf_x/b", "")
    await SqlModelCallStore(database).append([ClosedCall(call(id=f"mc_{n}", experiment=arm)) for n, arm in enumerate(arms)])
    store = SqlFeedbackStore(database)
    for n, score in enumerate((1, 0, -1, 1, 1)):
        await store.give(CallFeedback("acme", f"mc_{n}", score, "a\0b", n))
    assert await store.by_experiment("cf", 0) == [ScoredArm("cf/b", 2, 0.5), ScoredArm("cf/control", 1, -1.0)]
    assert await store.by_experiment("cf", 1) == [ScoredArm("cf/b", 1, 0.0), ScoredArm("cf/control", 1, -1.0)]
    await store.forget_before(2)
    assert await store.of_call("acme", "mc_0") is None
    assert await store.of_call("acme", "mc_2") is not None
