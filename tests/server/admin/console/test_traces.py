"""The page of a trace: what happened, in order, and nothing of other tenants."""

from collections.abc import AsyncIterator

import httpx2
import orjson
import pytest
from sqlalchemy import Connection, insert, update

from server.storage.schema.workflows.workflow_tables import workflow_runs, workflow_steps
from server.storage.workflows.failure_text import failure_text
from server.storage.workflows.runs.new_runs import QueuedRun, enqueue
from tests.server.admin.console.conftest import ORIGIN, Browser
from tests.server.admin.console.console_app import filled_console
from tests.server.admin.console.filled_history import TRACE
from tests.server.admin.console.stand_in_nouns import NOW_US
from tools.operation import Failure

#: of a run alone, that a schedule started
RUN_TRACE = "019e703e" + "a" * 24


def put_failed_run(connection: Connection) -> None:
    """Put a run of three steps on record, of which the first alone succeeded."""
    run = QueuedRun("acme", "onboard-account", "k", {"account": "s3cret account"}, "schedule", trace_id=RUN_TRACE)
    enqueue(connection, run)
    failure = failure_text(Failure("upstream_error", "mail.example answered 503: s3cret words"))
    its_end = {"state": "failed", "created_at": NOW_US, "ended_at": NOW_US + 2_000_000, "due_at": None, "failure": failure}
    connection.execute(update(workflow_runs).where(workflow_runs.c.run_id == run.run_id).values(**its_end))
    step = {"tenant_id": "acme", "run_id": run.run_id, "attempts": 1, "round": 0, "result": None, "failure": None}
    found = {"name": "find", "state": "succeeded", "started_at": NOW_US + 100_000, "ended_at": NOW_US + 600_000, "result": '"s3cret"'}
    sent = {"name": "send", "state": "failed", "started_at": NOW_US + 700_000, "ended_at": NOW_US + 1_800_000, "failure": failure}
    told = sent | {
        "name": "tell",
        "started_at": NOW_US + 1_700_000,
        "failure": failure_text(Failure("upstream_tool_error", "s3cret words")),
    }
    connection.execute(insert(workflow_steps), [step | found, step | sent, step | told])


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def filled(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    async with (
        filled_console(tmp_path_factory.mktemp("traced") / "data", count=200, days=1) as app,
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=ORIGIN) as http,
    ):
        yield Browser(app, http)


async def test_a_trace_tells_calls_steps_and_model_calls_in_order(filled: Browser) -> None:
    filled.is_("owner")
    page = await filled.open(f"/admin/traces/{TRACE.upper()}")
    told = [page.index(f"<strong>{what}</strong>") for what in ("batch_execute", "crm.contacts.list", "llm.invoke", "openai/big-model")]
    assert told == sorted(told)
    assert "mail.example answered 503: try again later" in page
    assert page.count('class="step"') == 3
    items = orjson.loads(await filled.open(f"/admin/traces/{TRACE}?format=json"))["items"]
    assert [item["kind"] for item in items] == ["call", "step", "step", "model call", "step"]


async def test_a_row_of_the_calls_leads_to_its_trace(filled: Browser) -> None:
    filled.is_("owner")
    page = await filled.open("/admin/calls?operation=batch_execute")
    assert f'<a class="row" href="/admin/traces/{TRACE}">' in page


async def test_a_trace_of_another_tenant_is_not_there(filled: Browser) -> None:
    filled.is_("acme")
    assert "mail.messages.send" in await filled.open(f"/admin/traces/{TRACE}")
    filled.is_("globex")
    assert "mail.messages.send" not in await filled.open(f"/admin/traces/{TRACE}", 404)


async def test_a_trace_tells_how_far_a_run_and_its_steps_are_and_not_what_they_gave(filled: Browser) -> None:
    """An upstream's own words stay with the run, for whoever it acts for."""
    assert filled.app.gateway is not None
    await filled.app.gateway.store.database.transact(put_failed_run)
    filled.is_("acme")
    page = await filled.open(f"/admin/traces/{RUN_TRACE}")
    told = [page.index(f"<strong>{what}</strong>") for what in ("onboard-account", "find", "send", "tell")]
    assert told == sorted(told)
    assert page.count('class="step"') == 3
    assert "answered 503" in page
    items = orjson.loads(await filled.open(f"/admin/traces/{RUN_TRACE}?format=json"))["items"]
    assert [(item["kind"], item["state"], item["outcome"], item["ms"]) for item in items] == [
        ("run", "failed", "upstream_error", 2_000.0),
        ("workflow step", "succeeded", "ok", 500.0),
        ("workflow step", "failed", "upstream_error", 1_100.0),
        ("workflow step", "failed", "upstream_tool_error", 100.0),
    ]
    assert "s3cret" not in page + str(items)
    filled.is_("globex")
    await filled.open(f"/admin/traces/{RUN_TRACE}", 404)


@pytest.mark.parametrize("trace_id", ["9" * 32, "never", "%00", "%F0%9F%90%9D", "a" * 500])
async def test_a_trace_that_there_is_not_is_a_page_that_says_so(filled: Browser, trace_id: str) -> None:
    filled.is_("owner")
    assert "Nothing is on record" in await filled.open(f"/admin/traces/{trace_id}", 404)
