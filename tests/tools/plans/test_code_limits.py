"""What code in the sandbox cannot do, and how long it may take."""

import asyncio
from dataclasses import replace
from importlib.util import find_spec

import pytest

from tests.tools.plans.crm_code import crm, run
from tests.tools.stand_ins import ADA, answering
from tests.waiting import until
from tools.operation import Call, Outcome
from tools.plans.code import new_sandboxes

pytestmark = pytest.mark.skipif(find_spec("pydantic_monty") is None, reason="the extra 'sandbox' is not installed")


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("while True: pass", "computed for more than 5 s"),
        ("kept = []\nwhile True: kept.append('x' * 10_000)", "64 MB of memory"),
        ("'x' * 10**12", "memory limit"),
        ("def deeper(n):\n    return deeper(n + 1)\ndeeper(0)", "recursion"),
        ("1 / 0", "line 1: ZeroDivisionError"),
        ("open('/etc/passwd').read()", "PermissionError"),
        ("import socket", "ModuleNotFoundError"),
        ("import subprocess", "ModuleNotFoundError"),
        ("import os\nos.system('true')", "no attribute 'system'"),
        ("__import__('os')", "NameError"),
        ("print('x' * 20_000)", "printed more than 16000 bytes"),
        ("await call('crm.deals.list', 3)", "TypeError"),
        ("await crm.deals.list(1, 2)", "takes its arguments by name"),
        ("for n in range(200):\n    await crm.deals.list(n=n)", "call_budget"),
    ],
)
async def test_what_goes_beyond_the_sandbox_ends_the_run_and_nothing_else(monkeypatch: pytest.MonkeyPatch, code: str, word: str) -> None:
    """Issue: limits on calls, time and memory; the sandbox reaches nothing but operations. A tenth of the time shows the same."""
    monkeypatch.setattr("tools.plans.code_run.MAX_COMPUTE_S", 0.5)
    answer = await run(code)
    assert answer["status"] == "failed"
    assert answer["error"]["code"] == "code_failed"
    assert word in answer["error"]["message"], answer["error"]


async def test_nothing_of_the_process_is_seen_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASCEND_VAULT_KEK", "s3cret")
    answer = await run("import os\nstr(os.environ)")
    assert "s3cret" not in str(answer)


@pytest.mark.parametrize("code", ["import time\ntime.sleep(60)", "import asyncio\nawait asyncio.sleep(60)", "await crm.deals.list()"])
async def test_code_never_runs_longer_than_its_time(code: str) -> None:
    gateway = await crm()

    async def for_ever(call: Call) -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError

    gateway.runner.answers["crm.deals.list"] = for_ever
    answer = await gateway.run(code=code, timeout_s=0.5)
    assert answer["status"] == "failed"
    assert answer["error"]["code"] in ("timeout", "code_failed")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("x = 1\nfor _ in range(5000):\n    x = [x]\nx", "nests too deeply"),
        ("for _ in range(100000):\n    print('x' * 1000)", "printed more than 16000 bytes"),
        ("a = 1\nb = 0\n\ndef f():\n    return a / b\n\nf()", "line 5: ZeroDivisionError"),
        ("import os\nos.listdir('/')", "line 2: PermissionError"),
        ("().__class__.__bases__", "line 1: AttributeError"),
        ("for i in range(1000000):\n    await crm.deals.list(n=i)", "call_budget"),
        ("await crm.deals.list(text='x' * 5_000_000)", "may come to 4 MB"),
    ],
)
async def test_what_ends_a_run_is_said_in_words_that_lead_on(code: str, words: str) -> None:
    """Clear line numbers where a line is to blame, the limit where none is; never a fault of the gateway."""
    answer = await run(code)
    assert answer["status"] == "failed"
    assert answer["error"]["code"] == "code_failed"
    assert words in answer["error"]["message"]


async def test_what_code_reads_has_a_budget_of_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the sandbox forgets, the gateway still holds until the run is answered."""
    monkeypatch.setattr("tools.plans.code_run.MAX_BYTES", 10_000)
    gateway = await crm()
    gateway.runner.answers["crm.deals.list"] = answering({"note": "x" * 4_000})
    answer = await gateway.run(code="for n in range(9):\n    await crm.deals.list(n=n)")
    assert "byte_budget" in answer["error"]["message"]
    assert len(gateway.sent) == 3


async def test_code_that_names_very_many_operations_is_refused_at_once() -> None:
    """Each unknown name is looked for among the known ones."""
    answer = await run("\n".join(f"await crm.things{number}.get()" for number in range(1_000)))
    assert answer["error"]["code"] == "invalid_plan"
    assert "names 1000 operations" in answer["error"]["message"]


MAL = replace(ADA, tenant_id="other", subject="mal")


async def test_code_that_sleeps_in_every_sandbox_of_one_tenant_keeps_no_other_waiting() -> None:
    """The sum of the other is there while all sleepers still sleep."""
    sandboxes = new_sandboxes()
    gateway = await crm(sandboxes)
    sleepers = [asyncio.create_task(gateway.run(code="import asyncio\nawait asyncio.sleep(15)\n1", principal=MAL)) for _ in range(16)]
    await until(lambda: sandboxes.in_use == 3)  # no person alone takes more
    answer = await gateway.run(code="1 + 1", timeout_s=15)
    assert answer.get("returned") == 2, answer
    assert not any(sleeper.done() for sleeper in sleepers)
    for sleeper in sleepers:
        sleeper.cancel()
    await asyncio.gather(*sleepers, return_exceptions=True)


async def test_waiting_for_a_sandbox_counts_towards_the_time_and_uses_no_yes() -> None:
    """Whoever stands in a line of sleepers is told in time, and may run what was agreed to later."""
    sandboxes = new_sandboxes()
    gateway = await crm(sandboxes)
    code = 'await crm.contacts.delete(id="con_1")'
    token = (await gateway.run(code=code))["confirmation"]["confirm"]
    held = 0
    while sandboxes.take(ADA.person):
        held += 1
    answer = await gateway.run(code=code, confirm=token, timeout_s=1)
    assert answer["error"]["code"] == "busy", answer
    assert not gateway.sent
    for _ in range(held):
        sandboxes.release(ADA.person)
    assert (await gateway.run(code=code, confirm=token))["status"] == "completed"
    assert gateway.sent == [("crm.contacts.delete", {"id": "con_1"})]
