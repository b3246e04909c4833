"""`GET /admin/api/traces` and `runbooks`: what clients asked with all that came of it, and what to do where it failed."""

from server.admin.nouns.records.calls import CLASSES
from server.admin.nouns.runbooks import RUNBOOKS
from tests.conftest import REPOSITORY
from tests.server.admin.call_records import call_record
from tests.server.admin.conftest import Administration


async def test_a_trace_is_what_a_client_asked_and_its_steps_stand_in_it(admin: Administration) -> None:
    whole = call_record(operation="batch_execute", duration_ms=400, trace_id="a" * 32)
    step = call_record(operation="crm.deals.list", step="deals", code="timeout", trace_id="a" * 32, ago_s=1)
    await admin.gateway.store.calls.append_calls([whole, step, call_record(tenant_id="globex", trace_id="b" * 32)])
    rows = (await admin.api("GET", "traces?tenant=acme", admin.operator)).json()["items"]
    assert [(row["id"], row["operation"]) for row in rows] == [("a" * 32, "batch_execute")]
    found = (await admin.api("GET", f"traces/{'A' * 32}", admin.acme)).json()
    assert (found["operation"], found["outcome"], found["tenant"]) == ("batch_execute", "timeout", "acme")
    assert sorted((item["kind"], item["what"]) for item in found["items"]) == [("call", "batch_execute"), ("step", "crm.deals.list")]
    assert all(item["at"].endswith("Z") for item in found["items"])


async def test_a_trace_of_another_tenant_is_none(admin: Administration) -> None:
    await admin.gateway.store.calls.append_calls([call_record(tenant_id="globex", trace_id="b" * 32)])
    assert (await admin.api("GET", f"traces/{'b' * 32}", admin.operator)).status_code == 200
    for key in ("b" * 32, "c" * 32, "%20", "x" * 65):
        assert (await admin.api("GET", f"traces/{key}", admin.acme)).status_code == 404, key


async def test_an_error_shows_its_last_day_in_the_list_and_leads_to_its_runbook(admin: Administration) -> None:
    await admin.gateway.store.calls.append_calls([call_record(code="timeout", ago_s=ago_s) for ago_s in (1, 2, 3 * 3600)])
    [row] = (await admin.api("GET", "errors", admin.acme)).json()["items"]
    assert (len(row["last_day"]), sum(row["last_day"])) == (24, 3)
    found = (await admin.api("GET", f"runbooks/{row['runbook']}", admin.acme)).json()
    assert found["means"] == "an API or model did not answer, or answered wrongly"
    assert found["do"]


def test_every_class_has_its_runbook_and_says_what_the_long_one_says() -> None:
    page = (REPOSITORY / "docs" / "runbooks" / "incident-response.md").read_text(encoding="utf-8")
    assert set(RUNBOOKS) == set(CLASSES)
    assert [name for name, runbook in RUNBOOKS.items() if f"| `{name}` | {runbook.means} |" not in page] == []
