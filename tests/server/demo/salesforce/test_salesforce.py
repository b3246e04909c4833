"""The Salesforce stand-in keeps what is known of Salesforce's REST API, its traps first."""

import base64
import csv
import hashlib
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from server.demo.salesforce.api import DATA, SalesforceStandIn
from server.demo.salesforce.faults import SalesforceFaults
from server.demo.stand_ins.clock import StandInClock, text_of
from server.demo.stand_ins.record_ids import record_id
from server.demo.stand_ins.vendor import serving_vendor
from server.http.listen import listen
from tools.workflows.ingestion.salesforce_ids import id18

FIRST_DAY = datetime(2026, 9, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
CLIENT = {"client_id": "ascend", "client_secret": "s3cret"}
TOKEN = "/services/oauth2/token"


@pytest.fixture
def org() -> SalesforceStandIn:
    return SalesforceStandIn("s3cret", clock=StandInClock(NOW), faults=SalesforceFaults(), accounts=120, first_day=FIRST_DAY)


@pytest.fixture
async def http(org: SalesforceStandIn) -> AsyncIterator[httpx2.AsyncClient]:
    async with (
        serving_vendor(org, listen("127.0.0.1", 0)) as url,
        httpx2.AsyncClient(base_url=url, timeout=10) as client,
    ):
        await sign_in(client)
        yield client


async def sign_in(http: httpx2.AsyncClient) -> dict[str, Any]:
    answer: dict[str, Any] = (await http.post(TOKEN, data=CLIENT | {"grant_type": "client_credentials"})).json()
    http.headers["authorization"] = f"Bearer {answer['access_token']}"
    return answer


async def ask(http: httpx2.AsyncClient, soql: str, path: str = "query") -> httpx2.Response:
    return await http.get(f"{DATA}/{path}", params={"q": soql})


async def names(http: httpx2.AsyncClient, soql: str) -> list[str]:
    return [record["Name"] for record in (await ask(http, soql)).json()["records"]]


def error_of(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()[0]["errorCode"]


async def test_a_token_names_the_org_and_no_end(org: SalesforceStandIn, http: httpx2.AsyncClient) -> None:
    answer = await sign_in(http)
    assert answer["instance_url"] == str(http.base_url).rstrip("/")
    assert (answer["issued_at"].isdigit(), "expires_in" in answer, "refresh_token" in answer) == (True, False, False)
    org.clock.advance(7200)
    assert error_of(await ask(http, "SELECT Id FROM User")) == (401, "INVALID_SESSION_ID")


async def test_a_session_that_ends_in_between_is_renewed_by_its_refresh_token(org: SalesforceStandIn, http: httpx2.AsyncClient) -> None:
    org.faults.rotates = True
    back, verifier = "http://127.0.0.1:9/back", "v" * 64
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    asked = {"client_id": "ascend", "redirect_uri": back, "response_type": "code", "state": "s1", "code_challenge": challenge}
    allowed = httpx2.URL((await http.get("/services/oauth2/authorize", params=asked)).headers["location"])
    grant = CLIENT | {"grant_type": "authorization_code", "code": allowed.params["code"], "redirect_uri": back, "code_verifier": verifier}
    tokens = (await http.post(TOKEN, data=grant)).json()
    http.headers["authorization"] = f"Bearer {tokens['access_token']}"
    org.faults.unauthorized = 1
    refused = [error_of(await ask(http, "SELECT Id FROM User")) for _ in range(2)]
    assert refused == [(401, "INVALID_SESSION_ID")] * 2, "the session is over for good"
    refresh = CLIENT | {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    renewed = (await http.post(TOKEN, data=refresh)).json()
    http.headers["authorization"] = f"Bearer {renewed['access_token']}"
    assert (await ask(http, "SELECT Id FROM User")).status_code == 200
    assert renewed["refresh_token"] != tokens["refresh_token"]
    assert (await http.post(TOKEN, data=refresh)).json()["error"] == "invalid_grant"


async def test_pages_have_two_thousand_at_most_and_a_locator(org: SalesforceStandIn, http: httpx2.AsyncClient) -> None:
    org.faults.page_size = 500
    page = (await ask(http, "SELECT Id FROM Contact ORDER BY SystemModstamp, Id")).json()
    assert (page["totalSize"], page["done"], len(page["records"])) == (600, False, 500)
    assert page["records"][0]["attributes"]["type"] == "Contact"
    following = (await http.get(page["nextRecordsUrl"])).json()
    assert (following["done"], len(following["records"]), "nextRecordsUrl" in following) == (True, 100, False)
    org.clock.advance(3600)
    assert (await http.get(page["nextRecordsUrl"])).status_code == 200
    org.faults.expired_locators = 1
    assert error_of(await http.get(page["nextRecordsUrl"])) == (400, "INVALID_QUERY_LOCATOR")


async def test_the_server_may_give_fewer_than_were_asked_for(http: httpx2.AsyncClient) -> None:
    answer = await http.get(f"{DATA}/query", params={"q": "SELECT Id FROM Contact"}, headers={"Sforce-Query-Options": "batchSize=10"})
    assert len(answer.json()["records"]) == 200


async def test_loads_share_a_stamp_and_the_id_orders_them(http: httpx2.AsyncClient) -> None:
    page = (await ask(http, "SELECT Id, SystemModstamp FROM Account ORDER BY SystemModstamp, Id")).json()["records"]
    stamps = [record["SystemModstamp"] for record in page]
    assert (len(set(stamps)), len(stamps)) == (2, 120)
    assert [(record["SystemModstamp"], record["Id"]) for record in page] == sorted((each["SystemModstamp"], each["Id"]) for each in page)


async def test_a_record_may_be_committed_after_a_younger_one_was_read(org: SalesforceStandIn, http: httpx2.AsyncClient) -> None:
    org.org.add("Account", {"Name": "Late"}, late_s=120)
    org.clock.advance(10)
    org.org.add("Account", {"Name": "Prompt"})
    recent = f"SELECT Name FROM Account WHERE SystemModstamp >= {text_of(NOW)} ORDER BY SystemModstamp, Id"
    assert await names(http, recent) == ["Prompt"]
    org.clock.advance(120)
    assert await names(http, recent) == ["Late", "Prompt"]


async def test_last_modified_says_nothing_of_a_change(org: SalesforceStandIn, http: httpx2.AsyncClient) -> None:
    account = org.org.ids("Account")[0]
    org.org.change("Account", account, {"Industry": "Space"})
    record = (await ask(http, f"SELECT SystemModstamp, LastModifiedDate FROM Account WHERE Id = '{account}'")).json()["records"][0]
    assert record["SystemModstamp"] == "2026-11-02T12:00:00.000+0000" > record["LastModifiedDate"]


async def test_deleted_records_are_in_query_all_and_in_deleted_for_fifteen_days(org: SalesforceStandIn, http: httpx2.AsyncClient) -> None:
    account = org.org.ids("Account")[0]
    org.org.delete("Account", account)
    by_id = f"SELECT Id, IsDeleted FROM Account WHERE Id = '{account}'"
    assert (await ask(http, by_id)).json()["totalSize"] == 0
    assert (await ask(http, by_id, "queryAll")).json()["records"][0]["IsDeleted"] is True
    window = {"start": text_of(NOW - timedelta(days=1)), "end": text_of(NOW + timedelta(days=1))}
    answer = (await http.get(f"{DATA}/sobjects/Account/deleted", params=window)).json()
    assert [record["id"] for record in answer["deletedRecords"]] == [account]
    assert answer["latestDateCovered"] == "2026-11-02T12:00:00.000+0000"
    org.clock.advance(16 * 24 * 3600)
    await sign_in(http)
    assert (await ask(http, by_id, "queryAll")).json()["totalSize"] == 0
    assert error_of(await http.get(f"{DATA}/sobjects/Account/deleted", params=window)) == (400, "INVALID_REPLICATION_DATE")


async def test_stages_have_a_history_with_dates_of_their_own(http: httpx2.AsyncClient) -> None:
    rows = (await ask(http, "SELECT OpportunityId, Field, OldValue, NewValue, CreatedDate FROM OpportunityFieldHistory")).json()["records"]
    assert {row["Field"] for row in rows} == {"StageName"}
    deal = [row for row in rows if row["OpportunityId"] == rows[0]["OpportunityId"]]
    assert (deal[0]["OldValue"], deal[-1]["NewValue"]) in {("Prospecting", "Closed Won"), ("Prospecting", "Closed Lost")}
    assert error_of(await ask(http, "SELECT SystemModstamp FROM OpportunityFieldHistory")) == (400, "INVALID_FIELD")


async def test_a_lookup_is_followed_to_a_name(http: httpx2.AsyncClient) -> None:
    record = (await ask(http, "SELECT Id, Account.Name, Owner.Name FROM Opportunity LIMIT 1")).json()["records"][0]
    assert (record["Account"]["Name"], record["Owner"]["attributes"]["type"]) == ("Northwind Bakery", "Owner")
    assert (await ask(http, "SELECT Parent.Name FROM Account LIMIT 1")).json()["records"][0]["Parent"] is None


async def test_what_is_wrong_with_a_query_is_said_by_code(org: SalesforceStandIn, http: httpx2.AsyncClient) -> None:
    assert error_of(await ask(http, "SELECT Id FROM")) == (400, "MALFORMED_QUERY")
    assert error_of(await ask(http, "SELECT Id FROM Widget")) == (400, "INVALID_TYPE")
    org.faults.hidden_fields = "Opportunity.Amount"
    refused = await ask(http, "SELECT Id, Amount FROM Opportunity")
    assert error_of(refused) == (400, "INVALID_FIELD")
    assert "'Amount'" in refused.json()[0]["message"]


async def test_each_answer_counts_against_the_day_and_says_so(org: SalesforceStandIn, http: httpx2.AsyncClient) -> None:
    org.faults.requests_allowed, org.faults.requests_used = 15_000, 14_998
    answer = await ask(http, "SELECT COUNT() FROM Account")
    assert (answer.headers["sforce-limit-info"], answer.json()["totalSize"]) == ("api-usage=14999/15000", 120)
    await ask(http, "SELECT COUNT() FROM Account")
    assert error_of(await ask(http, "SELECT COUNT() FROM Account")) == (403, "REQUEST_LIMIT_EXCEEDED")


@pytest.mark.parametrize("header_on_each_page", [True, False])
async def test_a_bulk_job_takes_polls_and_gives_pages_of_csv(
    org: SalesforceStandIn, http: httpx2.AsyncClient, header_on_each_page: bool
) -> None:
    org.faults.header_on_each_page = header_on_each_page
    job = (await http.post(f"{DATA}/jobs/query", json={"operation": "query", "query": "SELECT Id, Name, Phone FROM Contact"})).json()
    where = f"{DATA}/jobs/query/{job['id']}"
    assert (job["state"], error_of(await http.get(f"{where}/results"))) == ("UploadComplete", (400, "INVALIDJOBSTATE"))
    assert [(await http.get(where)).json()["state"] for _ in range(2)] == ["InProgress", "JobComplete"]
    first = await http.get(f"{where}/results", params={"maxRecords": 400})
    assert first.headers["sforce-numberofrecords"] == "400"
    second = await http.get(f"{where}/results", params={"maxRecords": 400, "locator": first.headers["sforce-locator"]})
    assert (second.headers["sforce-locator"], second.headers["sforce-numberofrecords"]) == ("null", "200")
    rows = [list(csv.reader(io.StringIO(page.text))) for page in (first, second)]
    assert rows[0][0] == ["Id", "Name", "Phone"]
    assert (rows[1][0] == ["Id", "Name", "Phone"]) is header_on_each_page
    assert [len(page) for page in rows] == [401, 200 + header_on_each_page]


async def test_a_bulk_job_may_fail(org: SalesforceStandIn, http: httpx2.AsyncClient) -> None:
    org.faults.failed_jobs, org.faults.bulk_polls = 1, 1
    job = (await http.post(f"{DATA}/jobs/query", json={"operation": "query", "query": "SELECT Id FROM User"})).json()
    assert (await http.get(f"{DATA}/jobs/query/{job['id']}")).json()["state"] == "Failed"


async def test_it_is_steered_over_http(org: SalesforceStandIn, http: httpx2.AsyncClient) -> None:
    added = (await http.post("/stand-in/add", json={"object": "Account", "fields": {"Name": "New"}})).json()["id"]
    assert (await http.post("/stand-in/change", json={"object": "Account", "id": added, "fields": {"Name": "Newer"}})).status_code == 200
    assert await names(http, f"SELECT Name FROM Account WHERE Id = '{added}'") == ["Newer"]
    assert (await http.post("/stand-in/delete", json={"object": "Account", "id": added})).status_code == 200
    assert await names(http, f"SELECT Name FROM Account WHERE Id = '{added}'") == []
    assert (await http.post("/stand-in/boil", json={})).status_code == 400


def test_ids_differ_by_case_and_their_last_three_characters_tell() -> None:
    """Each of the three stands for five characters, a bit for every capital letter."""
    assert id18("001000000000000") == "001000000000000AAA"
    assert id18("00Q5g0000AbCdEf") != id18("00Q5g0000aBcDeF")
    assert id18("a0B3C0000000001")[15:] == "UAA"
    assert len({record_id("Account", number) for number in range(1000)}) == 1000
