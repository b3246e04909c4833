"""Exports: a list that is read whole is read once, however many pages it would have."""

import csv
import inspect
import io
import time
from dataclasses import replace

import orjson
import pytest
from starlette.responses import StreamingResponse

from server.admin.administrators import Administrator
from server.admin.lists import exports
from server.admin.lists.exports import Exports
from server.admin.lists.list_query import list_query
from server.admin.resource import ListQuery, Resource, Rows
from tests.server.admin.conftest import Administration
from tests.server.admin.two_tenants import fill


async def test_what_is_read_whole_is_read_once_for_an_export(admin: Administration, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every noun with more rows than a page; which are looked at is said, or nothing would be."""
    monkeypatch.setattr(exports, "PAGE_ROWS", 1)
    await fill(admin, {"acme": admin.acme, "globex": (await admin.administrator("globex", "owner@globex.test"))[1]})
    owner = Administrator(tenant_id="default", subject="s1", by="ops@example.com", reaches_gateway=True)
    looked_at = set()
    for resource in admin.gateway.administration.nouns:
        reads = [0]

        async def counted(who: Administrator, query: ListQuery, resource: Resource = resource, reads: list[int] = reads) -> Rows:
            reads[0] += 1
            return await resource.rows(who, query)

        query = list_query(owner, resource, (), time.time_ns() // 1_000)
        count = len((await resource.rows(owner, query)).items)
        answer = await Exports().of(owner, replace(resource, rows=counted), query, "jsonl")
        assert isinstance(answer, StreamingResponse)
        parts = [part async for part in answer.body_iterator]
        if resource.is_read_whole and count > 1:
            assert (reads[0], len(parts)) == (1, count), resource.name
            looked_at.add(resource.name)
    assert looked_at == {"connections", "operations", "runbooks", "services", "share-links", "tenants", "trust", "usage"}


async def test_who_pages_a_list_that_is_in_memory_says_that_it_is_read_whole(admin: Administration) -> None:
    """Or an export of it would read everything for every page."""
    paged = {each.name for each in admin.gateway.administration.nouns if "page_of(" in inspect.getsource(each.rows)}
    assert "connections" in paged
    assert paged <= {each.name for each in admin.gateway.administration.nouns if each.is_read_whole}


async def test_parts_of_an_export_have_every_row_once_and_csv_one_line_of_names(
    admin: Administration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE_ROWS", 1)
    lines = [orjson.loads(line) for line in (await admin.api("GET", "tenants?format=jsonl", admin.operator)).text.splitlines()]
    table = list(csv.DictReader(io.StringIO((await admin.api("GET", "tenants?format=csv", admin.operator)).text)))
    assert [row["id"] for row in lines] == [row["id"] for row in table] == ["acme", "default", "globex"]


async def test_an_export_ends_with_the_most_that_there_may_be(admin: Administration, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "MAX_ROWS", 2)
    monkeypatch.setattr(exports, "PAGE_ROWS", 1)
    assert len((await admin.api("GET", "tenants?format=jsonl", admin.operator)).text.splitlines()) == 2


async def test_an_empty_export_has_its_names_alone(admin: Administration) -> None:
    answer = await admin.api("GET", "connections?format=csv", admin.operator)
    assert answer.text.splitlines() == ["tenant,who,provider,alias,title,state,error,id"]


async def test_what_all_tenants_used_is_there_where_any_of_them_has_it(admin: Administration) -> None:
    """The default tenant has none of these operations."""
    await fill(admin, {"acme": admin.acme, "globex": (await admin.administrator("globex", "owner@globex.test"))[1]})
    for path in ("usage", "usage?tenant=acme"):
        rows = (await admin.api("GET", path, admin.operator)).json()["items"]
        assert {row["operation"]: row["is_there"] for row in rows}["acme-crm.deals.list"] is True
    unused = (await admin.api("GET", "usage?unused=true&limit=200", admin.operator)).json()["items"]
    assert "acme-crm.deals.list" not in {row["operation"] for row in unused}


async def test_a_share_link_of_a_tenant_that_there_is_not_is_refused(admin: Administration) -> None:
    """It would wait for whoever is given this name one day."""
    body = {"title": "x", "calls": True, "range": "7d", "tenant": "nobody"}
    answer = await admin.api("POST", "share-links", admin.operator, body)
    assert answer.status_code == 422
    assert answer.json()["error"]["faults"] == [{"place": "tenant", "message": "unknown"}]
    assert (await admin.api("POST", "share-links", admin.operator, body | {"tenant": "acme"})).status_code == 201
