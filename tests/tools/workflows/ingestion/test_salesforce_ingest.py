"""salesforce-ingest against the Salesforce stand-in: what changed and what went is followed, whatever goes wrong."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from server.demo.salesforce.api import SalesforceStandIn
from server.demo.salesforce.faults import SalesforceFaults
from server.demo.stand_ins.clock import StandInClock, text_of
from tests.tools.workflows.ingestion.ingesting import SECRET, Ingesting, ingesting, virtual
from tools.workflows.ingestion.salesforce.salesforce_ingest import SalesforceIngest

FIRST_DAY = datetime(2026, 9, 1, tzinfo=UTC)
NOW = datetime(2026, 9, 20, 12, tzinfo=UTC)


def stand_in(accounts: int = 3, at: datetime = NOW, **faults: Any) -> SalesforceStandIn:
    clock = StandInClock(at)
    return SalesforceStandIn(SECRET, clock=clock, faults=SalesforceFaults(**faults), accounts=accounts, first_day=FIRST_DAY)


def taking_in(folder: Path, vendor: SalesforceStandIn) -> AbstractAsyncContextManager[Ingesting]:
    return ingesting(folder, vendor, lambda _subjects: SalesforceIngest(virtual(vendor.clock)).workflow())


@pytest.fixture
async def org(tmp_path: Path) -> AsyncIterator[Ingesting]:
    async with taking_in(tmp_path, stand_in()) as opened:
        yield opened


async def said(org: Ingesting, name: str, predicate: str, **asked: Any) -> list[tuple[Any, ...]]:
    """Return what is known of somebody: (value, since when, until when)."""
    found = await org.ask("context_query", {"query": "", "entities": [name], "predicates": [predicate], "limit": 20, **asked})
    return [(fact["value"], fact["valid_from"], fact["valid_to"]) for fact in found["facts"] if fact["subject"] == name]


def a_deal(org: Ingesting, stages: int) -> Any:
    """Return an opportunity that went through so many stages."""
    deals = org.vendor.org.records("Opportunity").values()
    return next(deal for deal in deals if len(deal.versions) == stages and deal.versions[-1][0] < org.vendor.clock.now)


async def test_a_stage_holds_from_when_its_history_says(org: Ingesting) -> None:
    await org.counts()
    deal = a_deal(org, 3)
    name = deal.versions[0][1]["Name"]
    begun = [(fields["StageName"], at) for at, fields in deal.versions]
    ends = [*(text_of(at) for _, at in begun[1:]), None]
    stages = await said(org, name, "stage", history=True)
    assert sorted(stages, key=lambda stage: stage[1]) == [(stage, text_of(at), end) for (stage, at), end in zip(begun, ends, strict=True)]
    between = text_of(begun[1][1] + timedelta(minutes=1))
    assert [value for value, _, _ in await said(org, name, "stage", as_of=between)] == [begun[1][0]]


async def test_a_lookup_is_about_the_record_that_it_refers_to(org: Ingesting) -> None:
    await org.counts()
    account = org.vendor.org.records("Account")[org.vendor.org.ids("Account")[0]].versions[0][1]
    owner = org.vendor.org.records("User")[account["OwnerId"]].versions[0][1]["Name"]
    assert [value for value, _, _ in await said(org, account["Name"], "owner")] == [owner]
    contact = org.vendor.org.records("Contact")[org.vendor.org.ids("Contact")[0]].versions[0][1]
    assert [value for value, _, _ in await said(org, contact["Name"], "works at")] == [account["Name"]]


async def test_what_changes_holds_from_then_on_and_what_is_emptied_ends(org: Ingesting) -> None:
    await org.counts()
    account_id, vendor = org.vendor.org.ids("Account")[0], org.vendor
    name = "Northwind Bakery"
    [(employees, since, _)] = await said(org, name, "employees")
    vendor.clock.advance(600)
    changed_at = text_of(vendor.clock.now)
    vendor.org.change("Account", account_id, {"NumberOfEmployees": 7, "Industry": None, "Type": "Customer"})
    vendor.clock.advance(600)
    counts = await org.counts()
    assert counts["objects"]["Account"]["enqueued"] == 1
    assert sorted(await said(org, name, "employees", history=True)) == sorted([(employees, since, changed_at), ("7", changed_at, None)])
    assert [end for _, _, end in await said(org, name, "industry", history=True)] == [changed_at]
    assert await said(org, name, "industry") == []


async def test_what_did_not_change_is_not_taken_in_again(org: Ingesting) -> None:
    await org.counts()
    for _ in range(3):
        counts = await org.counts()
        assert {each["enqueued"] for each in counts["objects"].values()} == {0}


async def test_a_record_that_is_committed_late_with_an_older_stamp_is_found(org: Ingesting) -> None:
    await org.counts()
    vendor = org.vendor
    late = vendor.org.add("Account", {"Name": "Late Commit Ltd", "Industry": "Retail"}, late_s=150)
    vendor.clock.advance(60)
    await org.counts()
    assert late not in await org.episodes("salesforce")
    vendor.clock.advance(120)
    await org.counts()
    assert late in await org.episodes("salesforce")


async def test_a_deleted_record_is_forgotten_and_one_that_comes_back_is_there_again(org: Ingesting) -> None:
    await org.counts()
    vendor, lead_id = org.vendor, org.vendor.org.ids("Lead")[0]
    vendor.clock.advance(600)
    vendor.org.delete("Lead", lead_id)
    vendor.clock.advance(600)
    assert (await org.counts())["objects"]["Lead"]["deleted"] == 1
    assert lead_id not in await org.episodes("salesforce")
    vendor.org.records("Lead")[lead_id].deleted_at = None
    vendor.org.change("Lead", lead_id, {})
    vendor.clock.advance(600)
    await org.counts()
    assert lead_id in await org.episodes("salesforce")


async def test_what_was_deleted_during_a_long_silence_is_missed_by_its_id(org: Ingesting) -> None:
    """The recycle bin has it for fifteen days."""
    await org.counts()
    lead_id = org.vendor.org.ids("Lead")[0]
    org.vendor.org.delete("Lead", lead_id)
    org.vendor.clock.advance(20 * 24 * 3600)
    assert (await org.counts())["objects"]["Lead"]["deleted"] == 1
    assert lead_id not in await org.episodes("salesforce")


async def test_a_field_that_may_not_be_seen_is_left_out(org: Ingesting) -> None:
    org.vendor.faults.hidden_fields = "Opportunity.Amount, Account.Industry"
    counts = await org.counts()
    assert counts["dropped"] == ["Account.Industry", "Opportunity.Amount"]
    assert counts["objects"]["Opportunity"]["enqueued"] == 6
    assert await said(org, "Northwind Bakery", "industry") == []


async def test_every_fault_at_once_and_three_unattended_runs_succeed(tmp_path: Path) -> None:
    faults: dict[str, Any] = {
        "limited_every": 9,
        "torn_every": 11,
        "unavailable_every": 13,
        "late_every": 5,
        "expired_locators": 2,
        "page_size": 10,
    }
    async with taking_in(tmp_path, stand_in(5, unauthorized=1, hidden_fields="Opportunity.Type", **faults)) as org:
        for _ in range(3):
            org.vendor.clock.advance(900)
            assert (await org.counts())["stopped"] is None
        assert not await org.failed()
        kept = await org.episodes("salesforce")
        there = {
            each for kind in ("User", "Account", "Contact", "Lead", "Opportunity", "Task", "Event") for each in org.vendor.org.ids(kind)
        }
        assert there <= set(kept)
        assert {len(versions) for versions in kept.values()} == {1}
        assert {400, 401, 429, 503} <= org.vendor.traffic.answers.keys()


async def test_it_stops_where_the_days_requests_end_and_goes_on_there(org: Ingesting) -> None:
    org.vendor.faults.page_size = 1
    org.vendor.faults.requests_allowed = 20
    counts = await org.counts()
    assert "of the day's requests are used" in counts["stopped"]
    org.vendor.faults.requests_used = org.vendor.faults.requests_allowed
    assert (await org.counts())["stopped"] == "the day's requests are used up"
    org.vendor.faults.requests_used, org.vendor.faults.requests_allowed = 0, 100_000
    assert (await org.counts())["stopped"] is None
    assert set(org.vendor.org.ids("Event")) <= set(await org.episodes("salesforce"))


@pytest.mark.parametrize("header_on_each_page", [True, False])
async def test_the_first_load_of_much_is_a_bulk_job(org: Ingesting, header_on_each_page: bool) -> None:
    faults = org.vendor.faults
    faults.header_on_each_page, faults.failed_jobs, faults.bulk_polls = header_on_each_page, 1, 1
    counts = await org.counts(bulk_above=5, objects=["Contact"])
    assert counts["objects"] == {"Contact": {"records": 15, "enqueued": 15, "deleted": 0}}
    assert org.vendor.traffic.requests["POST /services/data/v64.0/jobs/query"] == 2
    assert set(org.vendor.org.ids("Contact")) == set(await org.episodes("salesforce"))
    assert len((await org.workflows.runs("default", workflow="ingest-item")).runs) == 1
    assert (await org.counts(objects=["Contact"]))["objects"]["Contact"]["enqueued"] == 0
