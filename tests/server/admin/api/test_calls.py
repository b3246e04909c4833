"""`GET /admin/api/calls`: pages, counts, exports, and whose calls somebody sees."""

import csv
import io
import json
from typing import Any

from tests.server.admin.call_records import call_record
from tests.server.admin.conftest import Administration


async def test_calls_come_newest_first_page_by_page(admin: Administration) -> None:
    """Every call once, whatever is written meanwhile; the cursor of the last page is null."""
    await admin.gateway.store.calls.append_calls([call_record(ago_s=60 * age, operation=f"crm.o{age}") for age in range(7, 0, -1)])
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        answer = (await admin.api("GET", f"calls?limit=3&cursor={cursor}", admin.operator)).json()
        seen += [row["operation"] for row in answer["items"]]
        cursor = answer["next_cursor"]
        await admin.gateway.store.calls.append_calls([call_record(ago_s=0, operation="crm.new")])
    assert seen == [f"crm.o{age}" for age in range(1, 8)]


async def test_a_call_says_when_who_what_and_why(admin: Administration) -> None:
    subject = (await admin.gateway.store.subjects.of_tenant("acme"))[0]
    record = call_record(subject=subject.subject_id, code="rate_limited", upstream_status=429, upstream_ms=7.25)
    await admin.gateway.store.calls.append_calls([record])
    [row] = (await admin.api("GET", "calls", admin.acme)).json()["items"]
    assert row["at"].endswith("Z")
    wanted = {"tenant": "acme", "person": "ada@acme.test", "operation": "crm.deals.list", "outcome": "rate_limited", "class": "upstream"}
    assert {name: row[name] for name in wanted} == wanted
    assert (row["upstream_status"], row["upstream_ms"], row["trace_id"]) == (429, 7.2, record.trace_id)


async def test_filters_narrow_and_what_they_name_is_text(admin: Administration) -> None:
    """A quotation mark is part of a name; a percent sign matches nothing else."""
    strange = "x' OR 1=1 --"
    await admin.gateway.store.calls.append_calls(
        [call_record(), call_record(code="timeout", duration_ms=900), call_record(operation=strange, tenant_id="globex")]
    )

    async def operations(asked: dict[str, Any]) -> list[str]:
        answer = await admin.http.get("/admin/api/calls", params=asked, headers={"authorization": f"Bearer {admin.operator}"})
        assert answer.status_code == 200, answer.text
        return [row["operation"] for row in answer.json()["items"]]

    assert await operations({"failed": "true"}) == ["crm.deals.list"]
    assert await operations({"class": "upstream", "code": "timeout", "slower_than_ms": "500"}) == ["crm.deals.list"]
    assert await operations({"operation": strange}) == [strange]
    assert await operations({"operation": "crm%"}) == []
    assert await operations({"tenant": "globex"}) == [strange]
    assert await operations({"tenant": "acme", "person": "nobody@acme.test"}) == []
    assert await operations({"range": "10m", "class": "ours"}) == []


async def test_what_a_list_cannot_be_asked_is_refused_with_the_way_out(admin: Administration) -> None:
    for asked in (
        "limit=100000000000000000000",
        "limit=201",
        "cursor=1",
        "cursor=1.2.3",
        "cursor=-1.2",
        "cursor=99999999999999999999.1",
        "cursor=1.9223372036854775808",
        "cursor=%D9%A3.1",
        "cursor=1.1%27",
        "person=ada@acme.test",
        "person=no@address@&tenant=acme",
        "class=theirs",
        "format=xml",
        "count=2",
        "since=2026-01-01",
        "slower_than_ms=-1",
        "operation=%00",
    ):
        answer = await admin.api("GET", f"calls?{asked}", admin.operator)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request"), asked
        assert answer.json()["error"]["message"].startswith(asked.partition("=")[0]), answer.text
        assert len(answer.json()["trace_id"]) == 32


async def test_a_cursor_says_a_place_and_not_whose_rows(admin: Administration) -> None:
    """One of the operator's shows a tenant's administrator their own rows and no others."""
    await admin.gateway.store.calls.append_calls(
        [call_record("globex", ago_s=60), call_record("acme", ago_s=40), call_record("globex", ago_s=20)]
    )
    cursor = (await admin.api("GET", "calls?limit=1", admin.operator)).json()["next_cursor"]
    answer = (await admin.api("GET", f"calls?cursor={cursor}", admin.acme)).json()
    assert [row["tenant"] for row in answer["items"]] == ["acme"]


async def test_rows_are_counted_where_somebody_asks(admin: Administration) -> None:
    await admin.gateway.store.calls.append_calls([call_record() for _ in range(5)] + [call_record("globex")])
    asked = (await admin.api("GET", "calls?limit=2&count=1", admin.acme)).json()
    assert (asked["count"], asked["count_is_all"], len(asked["items"])) == (5, True, 2)
    await admin.gateway.store.calls.append_calls([call_record() for _ in range(10_000)])
    asked = (await admin.api("GET", "calls?count=1", admin.operator)).json()
    assert (asked["count"], asked["count_is_all"]) == (10_000, False)


async def test_exports_have_every_row_and_no_formula(admin: Administration) -> None:
    """What callers name operations by would be run by a spreadsheet; a number stays a number."""
    formula = '=HYPERLINK("http://evil.test","x")'
    records = [call_record(ago_s=age, operation=f"crm.o{age}") for age in range(1, 251)]
    await admin.gateway.store.calls.append_calls(
        [*records, call_record(operation=formula, ago_s=300), call_record(operation="-2+3", ago_s=301)]
    )
    answer = await admin.api("GET", "calls?format=csv&tenant=acme", admin.operator)
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="calls.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 252
    assert {rows[-2]["operation"], rows[-1]["operation"]} == {f"'{formula}", "'-2+3"}
    assert rows[0]["ms"] == "12.5"
    lines = (await admin.api("GET", "calls?format=jsonl", admin.acme)).text.splitlines()
    assert [json.loads(line)["operation"] for line in lines][-2:] == [formula, "-2+3"]


async def test_an_address_that_is_none_says_where_they_are(admin: Administration) -> None:
    for path in ("nothing", "calls/", "calls//x", "calls/1/2/3", "%FF", "calls%2F1", ""):
        answer = await admin.api("GET", path, admin.operator)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found"), path
    refused = await admin.api("PUT", "calls", admin.operator)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, POST")
    assert (await admin.api("DELETE", "calls/1", admin.operator)).status_code == 404
    assert (await admin.api("POST", "calls", admin.operator)).status_code == 404
    assert (await admin.api("HEAD", "calls", admin.operator)).status_code == 200
