"""A name is no identity: what one account left behind never answers for another that is connected under its alias."""

from dataclasses import replace

from oauth.connections.credentials import Readiness
from tests.tools.plans.plans import batches, failing
from tests.tools.sources.http.caching.test_response_cache import House
from tests.tools.stand_ins import ADA, DispatcherInMemory, answering, gateway, operation
from tools.dispatch.pages.page_cursor import CursorSeal
from tools.operation import Json, Operation, Outcome, Paging, ResponseMeta

CREATE = replace(operation("crm.notes.create", "write", connection="crm"))
DELETE = replace(operation("crm.notes.delete", "destructive", connection="crm"))
LIST = replace(operation("crm.notes.list", paging=Paging("link", None, "@"), connection="crm"), tenant_id=None)
OLD = Readiness("crm", "ready", ("work", "home"), "work", account_ids=("a1", "a2"))
GONE = {"id": "d", "api": "crm.notes.delete", "args": {"text": "hi"}}
NEW = Readiness("crm", "ready", ("work", "home"), "work", account_ids=("a3", "a2"))


async def house_with(*operations: Operation) -> DispatcherInMemory:
    house = await gateway(operations)
    house.accounts.readiness_by_provider["crm"] = OLD
    return house


async def call(house: DispatcherInMemory, api: str, **options: Json) -> Outcome:
    return await house.call("call_api", {"api": api, "args": {"text": "hi"}, **options})


def test_an_account_is_known_by_its_id_whether_it_is_named_or_not() -> None:
    """Alias, id and default mean one account."""
    assert [OLD.id_of(named) for named in (None, "work", "a1", "home", "gone")] == ["a1", "a1", "a1", "a2", None]
    assert Readiness("crm", "needs_auth").id_of(None) is None


async def test_a_write_to_a_new_account_is_not_answered_from_the_record_of_the_old_one() -> None:
    """Removed, and another connected under its alias."""
    house = await house_with(CREATE)
    await call(house, CREATE.id)
    assert "nothing was sent" in str((await call(house, CREATE.id, account="work")).note)
    assert "nothing was sent" in str((await call(house, CREATE.id, account="a1")).note)
    house.accounts.readiness_by_provider["crm"] = NEW
    assert (await call(house, CREATE.id)).note is None
    assert len(house.runner.calls) == 2
    assert [made.directions.account_id for made in house.runner.calls] == ["a1", "a3"]


async def test_a_renamed_account_is_the_same() -> None:
    """The record follows the account, not the name."""
    house = await house_with(CREATE)
    await call(house, CREATE.id)
    house.accounts.readiness_by_provider["crm"] = replace(OLD, accounts=("office", "home"), default="office")
    assert "nothing was sent" in str((await call(house, CREATE.id)).note)


async def test_a_key_of_the_callers_own_is_not_answered_from_another_accounts_record() -> None:
    """It says so, and is given anew."""
    house = await house_with(CREATE)
    await call(house, CREATE.id, idempotency_key="k")
    house.accounts.readiness_by_provider["crm"] = NEW
    refused = await call(house, CREATE.id, idempotency_key="k")
    assert refused.error is not None
    assert refused.error.code == "idempotency_conflict"


async def test_a_yes_is_for_the_account_that_it_was_given_for() -> None:
    """Confirmations."""
    house = await house_with(DELETE)
    asked = await call(house, DELETE.id)
    assert asked.confirmation is not None
    house.accounts.readiness_by_provider["crm"] = NEW
    assert (await call(house, DELETE.id, confirm=asked.confirmation.token, account="work")).status == "needs_confirmation"
    house.accounts.readiness_by_provider["crm"] = OLD
    assert (await call(house, DELETE.id, confirm=asked.confirmation.token, account="work")).status == "ok"


async def test_a_plan_for_a_new_account_writes_again_and_asks_again() -> None:
    """Plans: the same steps, another account under the same name."""
    house = await batches([CREATE, DELETE])
    house.accounts.readiness_by_provider["crm"] = OLD
    write = {"id": "a", "api": CREATE.id, "args": {"text": "hi"}}
    for _ in range(2):
        assert (await house.run(write))["status"] == "completed"
    assert len(house.sent) == 1
    house.accounts.readiness_by_provider["crm"] = NEW
    assert (await house.run(write))["status"] == "completed"
    assert len(house.sent) == 2
    asked = await house.run(GONE)
    house.accounts.readiness_by_provider["crm"] = OLD
    assert (await house.run(GONE, confirm=asked["confirmation"]["confirm"]))["status"] == "needs_confirmation"
    assert len(house.sent) == 2


async def test_a_confirmed_plan_that_is_resumed_for_a_new_account_asks_again() -> None:
    """The record knows whose things the person agreed to lose."""
    house = await batches([DELETE])
    house.accounts.readiness_by_provider["crm"] = OLD
    house.runner.answers[DELETE.id] = failing("upstream_rejected", 422)
    asked = await house.run(GONE)
    failed = await house.run(GONE, confirm=asked["confirmation"]["confirm"])
    assert failed["status"] == "failed"
    house.accounts.readiness_by_provider["crm"] = NEW
    assert (await house.run(resume=failed["resume"]))["status"] == "needs_confirmation"
    house.accounts.readiness_by_provider["crm"] = OLD
    del house.runner.answers[DELETE.id]
    assert (await house.run(resume=failed["resume"]))["status"] == "completed"


async def test_a_cached_answer_is_its_accounts_alone() -> None:
    """Response cache."""
    house = House(cache_control="max-age=60")
    house.accounts.readiness_by_provider["crm"] = OLD
    await house.read()
    await house.read(account="work")
    await house.read(account="a1")
    assert len(house.upstream.calls) == 1
    house.accounts.readiness_by_provider["crm"] = NEW
    house.upstream.version = 2
    assert (await house.read()).data == {"version": 2}


async def test_a_cursor_of_one_account_is_none_of_another() -> None:
    """Addresses of next pages are sealed for the account whose list they go on with."""
    house = await house_with(LIST)
    link = ResponseMeta(200, next_link="https://crm.example/?page=2")
    house.runner.answers[LIST.id] = answering([1], http=link)
    first = await call(house, LIST.id)
    assert first.page is not None
    page = {"cursor": first.page.next_cursor}
    assert (await call(house, LIST.id, page=page)).status == "ok"
    assert (await call(house, LIST.id, page=page, account="work")).status == "ok"
    house.accounts.readiness_by_provider["crm"] = NEW
    other = await call(house, LIST.id, page=page)
    assert other.error is not None
    assert other.error.code == "invalid_cursor"
    seal = CursorSeal(b"k" * 32)
    assert seal.open(ADA, LIST, seal.seal(ADA, LIST, "u", "a1"), "a2") is None
