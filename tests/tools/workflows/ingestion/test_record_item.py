"""From a Salesforce record to facts: the same by REST and CSV, dated by history where there is one."""

from typing import Any

import pytest

from tools.context_plane.arguments.assertions import assertion_of
from tools.context_plane.times import time_us
from tools.errors import ToolError
from tools.operation import Failure
from tools.workflows.ingestion.declared import OBJECTS
from tools.workflows.ingestion.salesforce.field_maps import MAP_BY_OBJECT, OBJECT_MAPS
from tools.workflows.ingestion.salesforce.plain_records import csv_records, plain_record
from tools.workflows.ingestion.salesforce.record_item import Change, item_of
from tools.workflows.ingestion.salesforce.refusals import Refusal, refusal_of
from tools.workflows.ingestion.salesforce_ids import id18

DEAL = {
    "attributes": {"type": "Opportunity", "url": "/x"},
    "Id": "0065g0000HAMeRUAQ1",
    "IsDeleted": False,
    "CreatedDate": "2026-09-05T01:23:00.000+0000",
    "SystemModstamp": "2026-09-13T13:10:00.000+0000",
    "Name": "Kahuna, renewal",
    "AccountId": "0015g0000EA8ikLAQR",
    "Account": {"attributes": {"type": "Account"}, "Name": "Kahuna"},
    "StageName": "Closed Won",
    "Amount": 89000.0,
    "CloseDate": "2026-11-30",
    "OwnerId": "0055g0000IA6HLXAQ3",
    "Owner": {"attributes": {"type": "User"}, "Name": "Sven Holm"},
    "Type": None,
}
HEADER = (
    '"Id","IsDeleted","CreatedDate","SystemModstamp","Name","AccountId","Account.Name","StageName","Amount","CloseDate","OwnerId",'
    '"Owner.Name","Type"'
)
ROW = (
    '"0065g0000HAMeRUAQ1","false","2026-09-05T01:23:00.000Z","2026-09-13T13:10:00.000Z","Kahuna, renewal","0015g0000EA8ikLAQR","Kahuna",'
    '"Closed Won","89000.0","2026-11-30","0055g0000IA6HLXAQ3","Sven Holm",""'
)
OPPORTUNITY = MAP_BY_OBJECT["Opportunity"]


def facts(record: dict[str, Any], *changes: Change) -> list[tuple[str, Any, str | None, str | None]]:
    item = item_of(OPPORTUNITY, plain_record(record), changes)
    assertion_of({"facts": [dict(fact) for fact in item.facts], "episode": {"source": "salesforce", "content": item.content}})
    found = []
    for fact in item.facts:
        value = fact["value"]["name"] if isinstance(fact["value"], dict) else fact["value"]
        found.append((str(fact["predicate"]), value, fact["valid_from"], fact["valid_to"]))
    return found


def test_a_record_is_the_same_item_by_rest_and_by_csv() -> None:
    [from_csv] = csv_records(f"{HEADER}\n{ROW}\n", OPPORTUNITY.selected)
    assert item_of(OPPORTUNITY, from_csv) == item_of(OPPORTUNITY, plain_record(DEAL))


def test_a_header_on_a_later_page_is_no_record() -> None:
    for page in (f"{HEADER}\n{ROW}\n", f"{ROW}\n"):
        assert [record["Name"] for record in csv_records(page, OPPORTUNITY.selected)] == ["Kahuna, renewal"]


def test_a_history_dates_each_value() -> None:
    first, second = (time_us(f"2026-09-{day}T10:00:00Z") for day in ("07", "10"))
    stages = [Change(first, "StageName", "Prospecting", "Proposal"), Change(second, "StageName", "Proposal", "Closed Won")]
    assert [fact[1:] for fact in facts(DEAL, *stages) if fact[0] == "stage"] == [
        ("Prospecting", "2026-09-05T01:23:00Z", "2026-09-07T10:00:00Z"),
        ("Proposal", "2026-09-07T10:00:00Z", "2026-09-10T10:00:00Z"),
        ("Closed Won", "2026-09-10T10:00:00Z", None),
    ]


def test_a_tracked_field_that_never_changed_holds_since_the_beginning() -> None:
    change = Change(time_us("2026-09-07T10:00:00Z"), "StageName", "Prospecting", "Closed Won")
    assert ("amount", "89000", "2026-09-05T01:23:00Z", None) in facts(DEAL, change)


def test_what_has_no_history_holds_from_the_version_that_shows_it() -> None:
    assert ("account", "Kahuna", "2026-09-13T13:10:00Z", None) in facts(DEAL)
    first = {**DEAL, "SystemModstamp": DEAL["CreatedDate"]}
    assert ("account", "Kahuna", "2026-09-05T01:23:00Z", None) in facts(first)


def test_an_owner_of_before_is_known_by_id_alone() -> None:
    change = Change(time_us("2026-09-07T10:00:00Z"), "OwnerId", "0055g0000CAeRxF", "0055g0000IA6HLXAQ3")
    assert [fact[1] for fact in facts(DEAL, change) if fact[0] == "owner"] == ["0055g0000CAeRxFAQV", "Sven Holm"]


def test_an_empty_field_says_nothing_and_ends_what_it_said() -> None:
    assert not [fact for fact in facts(DEAL) if fact[0] == "type"]
    assert item_of(OPPORTUNITY, plain_record(DEAL)).ended == ("type",)


def test_every_query_asks_for_what_its_map_reads() -> None:
    assert tuple(object_map.name for object_map in OBJECT_MAPS) == OBJECTS
    for object_map in OBJECT_MAPS:
        assert object_map.selected[:4] == ("Id", "IsDeleted", "CreatedDate", "SystemModstamp")
        assert len(set(object_map.selected)) == len(object_map.selected)


@pytest.mark.parametrize(
    ("given", "whole"), [("001000000000000", "001000000000000AAA"), ("a0B3C0000000001", "a0B3C0000000001UAA"), ("x", "x")]
)
def test_fifteen_characters_become_eighteen(given: str, whole: str) -> None:
    assert id18(given) == whole
    assert id18(whole) == whole


@pytest.mark.parametrize(
    ("status", "code", "message", "meant"),
    [
        (400, "INVALID_FIELD", "No such column 'Amount' on entity 'Opportunity'.", Refusal("field", "Amount")),
        (400, "INVALID_TYPE", "sObject type 'Lead' is not supported.", Refusal("object", "Lead")),
        (400, "INVALID_QUERY_LOCATOR", "invalid query locator", Refusal("locator")),
        (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", Refusal("limit")),
        (429, "REQUEST_LIMIT_EXCEEDED", "too many requests", None),
        (400, "MALFORMED_QUERY", "unexpected token", None),
    ],
)
def test_a_refusal_means_something_or_stays_an_error(status: int, code: str, message: str, meant: Refusal | None) -> None:
    upstream = {"status": status, "body": [{"errorCode": code, "message": message}]}
    assert refusal_of(ToolError(Failure("upstream_rejected", "no", upstream=upstream))) == meant
