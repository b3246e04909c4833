"""The other body of batch_execute: Python in a sandbox."""

import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec

import pytest

from tests.conftest import REPOSITORY
from tests.tools.plans.crm_code import crm, run
from tests.tools.plans.plans import batches, failing
from tests.tools.stand_ins import ADA, Crowd, answering, operation
from tools.operation import Call, ConnectionRequest, Outcome
from tools.plans.code_names import bind_names

pytestmark = pytest.mark.skipif(find_spec("pydantic_monty") is None, reason="the extra 'sandbox' is not installed")
KNOWN = ("crm.contacts.search", "crm.deals.list", "crm.notes.create", "crm.contacts.delete", "crm.get-all")


async def test_code_calls_operations_and_its_last_value_comes_back() -> None:
    """Issue: each visible operation is an async function; same door."""
    gateway = await crm()
    code = """
found = await crm.contacts.search(query="Ada")
people = found["results"]
deals = [await crm.deals.list(contact_id=person["id"], stage="open") for person in people if person["name"] == "Ada"]
{"names": sorted(p["name"] for p in people), "deals": deals}
"""
    answer = await gateway.run(code=code)
    assert answer["status"] == "completed", answer
    assert answer["returned"] == {"names": ["Ada", "Grace"], "deals": [{"contact_id": "con_1", "stage": "open"}]}
    assert gateway.sent == [("crm.contacts.search", {"query": "Ada"}), ("crm.deals.list", {"contact_id": "con_1", "stage": "open"})]
    assert [(row.tool, row.operation) for row in gateway.records.records][:2] == [
        ("batch_execute", "crm.contacts.search"),
        ("batch_execute", "crm.deals.list"),
    ]
    assert answer["steps"]["call_1"] == {"api": "crm.contacts.search", "ok": True, "ms": answer["steps"]["call_1"]["ms"]}


async def test_calls_gathered_in_code_run_side_by_side_within_the_limit() -> None:
    gateway = await crm()
    crowd = Crowd(3)
    gateway.runner.answers["crm.deals.list"] = crowd
    code = "import asyncio\nawait asyncio.gather(*[crm.deals.list(n=n) for n in range(9)])"
    answer = await gateway.run(code=code, max_parallel=3)
    assert answer["returned"] == [{"n": n} for n in range(9)]
    assert (crowd.most, answer["stats"]["parallel"]) == (3, 3)


async def test_an_operation_whose_id_is_no_python_name_is_called_by_its_id() -> None:
    answer = await run('await call("crm.get-all", {"limit": 2}, select="limit")')
    assert answer["returned"] == 2


async def test_a_failed_call_can_be_caught_and_otherwise_ends_the_run_with_its_upstream_error() -> None:
    gateway = await crm()
    gateway.runner.answers["crm.deals.list"] = failing()
    caught = await gateway.run(code="try:\n    await crm.deals.list()\nexcept RuntimeError as error:\n    said = str(error)\nsaid")
    assert caught["status"] == "completed"
    assert caught["returned"] == "upstream_error: crm answered 503"
    ended = await gateway.run(code="x = 1\nawait crm.deals.list()\n")
    assert ended["status"] == "failed"
    assert ended["error"]["code"] == "code_failed"
    assert ended["error"]["message"].startswith("line 2: RuntimeError: upstream_error")
    assert ended["steps"]["call_1"]["error"]["upstream"]["status"] == 503


async def test_operations_that_the_code_names_are_checked_before_it_runs() -> None:
    """Unknown ones with what was probably meant, scopes of all of them together."""
    gateway = await crm()
    unknown = await gateway.run(code="await crm.deals.list()\nawait crm.contacts.serch(query='Ada')")
    assert unknown["error"]["code"] == "invalid_plan"
    assert unknown["error"]["faults"][0]["did_you_mean"][0] == "crm.contacts.search"
    reader = replace(ADA, scopes=frozenset({"mcp", "mcp:read"}))
    outcome = await gateway.outcome(code="await crm.notes.create(body='x')\nawait crm.contacts.delete(id='y')", principal=reader)
    assert outcome.error is not None
    assert outcome.error.missing_scopes == {"crm:write", "crm:destructive"}
    assert gateway.sent == []


async def test_what_cannot_be_undone_is_confirmed_for_exactly_this_code() -> None:
    gateway = await crm()
    code = "await crm.contacts.delete(id='con_1')"
    asked = await gateway.run(code=code)
    assert asked["status"] == "needs_confirmation"
    assert gateway.sent == []
    token = asked["confirmation"]["confirm"]
    assert (await gateway.run(code=code.replace("con_1", "con_2"), confirm=token))["status"] == "needs_confirmation"
    assert (await gateway.run(code=code, confirm=token))["status"] == "completed"
    assert gateway.sent == [("crm.contacts.delete", {"id": "con_1"})]


async def test_a_yes_to_code_counts_once_and_its_retry_gets_the_recorded_outcome() -> None:
    """Code that runs again might delete more than it did when the person agreed: it reads what there is now."""
    gateway = await crm()
    code = """
found = await crm.contacts.search()
[await crm.contacts.delete(id=each["id"]) for each in found["results"]]
len(found["results"])
"""
    asked = await gateway.run(code=code)
    token = asked["confirmation"]["confirm"]
    first = await gateway.run(code=code, confirm=token)
    sent = len(gateway.sent)
    gateway.runner.answers["crm.contacts.search"] = answering({"results": [{"id": "con_9"}]})
    again = await gateway.run(code=code, confirm=token)
    assert (first["status"], again["status"], again["returned"]) == ("completed", "completed", first["returned"])
    assert "a yes counts once" in again["note"]
    assert len(gateway.sent) == sent


async def test_a_destructive_call_that_was_not_shown_does_not_run_on_anothers_confirmation() -> None:
    """The person said yes to what the question named; an id put together on the way was not in it."""
    gateway = await batches([operation("crm.contacts.delete", "destructive"), operation("crm.deals.delete", "destructive")])
    code = "await crm.contacts.delete(id='a')\nawait call('crm.' + 'deals.delete', {'id': 'b'})"
    asked = await gateway.run(code=code)
    answer = await gateway.run(code=code, confirm=asked["confirmation"]["confirm"])
    assert answer["status"] == "failed"
    assert gateway.sent == [("crm.contacts.delete", {"id": "a"})]


async def test_running_the_same_code_again_writes_nothing_twice() -> None:
    gateway = await crm()
    code = "await crm.notes.create(body='x')\nawait crm.notes.create(body='x')"
    await gateway.run(code=code)
    await gateway.run(code=code)
    assert len(gateway.sent) == 2


async def test_arguments_are_validated_at_the_door_like_any_others() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}
    gateway = await batches([operation("crm.deals.list", schema=schema)])
    answer = await gateway.run(code="await crm.deals.list(n='three')")
    assert "invalid_arguments" in answer["error"]["message"]
    assert gateway.sent == []


async def test_code_does_not_mix_with_a_plan() -> None:
    gateway = await crm()
    answer = await gateway.run({"id": "a", "api": "crm.deals.list"}, code="1")
    assert "code stands alone" in answer["error"]["message"]


async def test_what_is_printed_comes_back_and_a_dry_run_says_what_it_would_use() -> None:
    assert (await run("print('on the way')\n(1, {2})"))["printed"] == "on the way\n"
    assert (await run("(1, {2})"))["returned"] == [1, [2]]
    dry = await run("await crm.contacts.delete(id='x')", dry_run=True)
    assert (dry["operations"], dry["destructive"]) == (["crm.contacts.delete"], ["crm.contacts.delete"])


async def test_an_answer_is_measured_in_characters_as_that_of_a_plan() -> None:
    """three-tools.md: 16,000 characters; signs of three bytes each count as one."""
    assert (await run("'\u9f8d' * 6000"))["returned"] == "\u9f8d" * 6_000
    assert "handle" in await run("'\u9f8d' * 17000")


@pytest.mark.parametrize("code", ["def f(: pass", "(", "'''", "x = = 1", "\t\tx\n y", "await", "\x00", "é = 1\né", "\ud800"])
async def test_text_that_is_no_python_is_an_error_of_the_text(code: str) -> None:
    answer = await run(code)
    assert answer["status"] in ("failed", "completed", "error")
    assert answer.get("error", {}).get("code") != "internal_error", answer


@pytest.mark.parametrize(
    ("code", "bound", "named"),
    [
        ("await crm.deals.list(stage='open')", "await crm_deals_list(stage='open')", ["crm.deals.list"]),
        ("x = 'crm.deals.list(1)'  # crm.deals.list(2)", "x = 'crm.deals.list(1)'  # crm.deals.list(2)", []),
        (
            "a = crm.deals.list(1); b = crm.contacts.search(2)",
            "a = crm_deals_list(1); b = crm_contacts_search(2)",
            ["crm.contacts.search", "crm.deals.list"],
        ),
        ("crm = {}\ncrm.get('x')", "crm = {}\ncrm.get('x')", []),
        ("mine.crm.deals.list(1)", "mine.crm.deals.list(1)", []),
        ("mine().crm.deals.list(1)", "mine().crm.deals.list(1)", []),
        ("crm.deals.lst(1)", "crm_deals_lst(1)", ["crm.deals.lst"]),
        ("call('crm.get-all', {})", "call('crm.get-all', {})", ["crm.get-all"]),
        ("for crm in x:\n    crm.close()", "for crm in x:\n    crm.close()", []),
        ("é = crm.deals.list(1)", "é = crm_deals_list(1)", ["crm.deals.list"]),
    ],
)
def test_operations_are_bound_where_they_are_called_and_nowhere_else(code: str, bound: str, named: list[str]) -> None:
    found = bind_names(code, KNOWN, ["crm"])
    assert found.text == bound
    assert list(found.named) == named


def test_a_process_that_has_run_code_ends_well() -> None:
    """SIGTERM drains and exits 0: the sandbox's threads must be gone before the interpreter is."""
    program = (
        "import asyncio\nfrom tests.tools.plans.test_code import run\n"
        "for _ in range(3):\n"
        "    answer = asyncio.run(run('await crm.deals.list()'))\n    assert answer['status'] == 'completed', answer\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


async def test_code_that_meets_a_missing_account_asks_for_it_like_any_call() -> None:
    """three-tools.md: needs_connection; the same code goes through once the account is there."""
    gateway = await crm()
    asked = ConnectionRequest("crm", "expired", "https://gateway.test/connect/crm", "connect crm again")

    async def expired(call: Call) -> Outcome:
        return Outcome("needs_connection", connection=asked)

    gateway.runner.answers["crm.deals.list"] = expired
    code = """
await crm.contacts.search(query="Ada")
await crm.deals.list(contact_id="con_1")
"""
    outcome = await gateway.outcome(code=code)
    assert (outcome.status, outcome.connection) == ("needs_connection", asked)
    assert outcome.data["connections"][0]["url"] == asked.url
    gateway.runner.answers["crm.deals.list"] = answering([])
    assert (await gateway.run(code=code))["status"] == "completed"
