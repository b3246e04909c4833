"""The Gong stand-in keeps what is known of Gong's API, its traps first."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx2
import pytest

from server.demo.gong.api import ACCESS_KEY, GongStandIn
from server.demo.gong.faults import GongFaults
from server.demo.stand_ins.clock import StandInClock
from server.demo.stand_ins.vendor import serving_vendor
from server.http.listen import listen

DAY = datetime(2026, 11, 2, tzinfo=UTC)
SECRET = "s3cret"
WHOLE_DAY = {"fromDateTime": "2026-11-02T00:00:00Z", "toDateTime": "2026-11-03T00:00:00Z"}


@pytest.fixture
def gong() -> GongStandIn:
    clock = StandInClock(DAY + timedelta(hours=36))
    return GongStandIn(SECRET, clock=clock, faults=GongFaults(), per_day=250, first_day=date(2026, 11, 2))


@pytest.fixture
async def http(gong: GongStandIn) -> AsyncIterator[httpx2.AsyncClient]:
    async with (
        serving_vendor(gong, listen("127.0.0.1", 0)) as url,
        httpx2.AsyncClient(base_url=url, timeout=10, auth=(ACCESS_KEY, SECRET)) as client,
    ):
        yield client


async def ask(gong: GongStandIn, http: httpx2.AsyncClient, path: str, given: dict[str, Any]) -> httpx2.Response:
    """Ask as a patient client does: half a second after the request before."""
    gong.clock.advance(0.5)
    return await (http.get(path, params=given) if path in ("/v2/calls", "/v2/users") else http.post(path, json=given))


async def ids_of(gong: GongStandIn, http: httpx2.AsyncClient, window: dict[str, str] = WHOLE_DAY) -> list[str]:
    found, cursor = [], None
    while True:
        page = (await ask(gong, http, "/v2/calls", window | ({"cursor": cursor} if cursor else {}))).json()
        found += [call["id"] for call in page["calls"]]
        cursor = page["records"].get("cursor")
        if cursor is None:
            return found


async def test_a_page_has_a_hundred_and_the_last_no_cursor(gong: GongStandIn, http: httpx2.AsyncClient) -> None:
    first = (await ask(gong, http, "/v2/calls", WHOLE_DAY)).json()
    records = first["records"]
    assert (records["totalRecords"], records["currentPageSize"], records["currentPageNumber"]) == (250, 100, 0)
    found = await ids_of(gong, http)
    assert len(set(found)) == 250
    assert all(call.isdigit() and len(call) <= 20 for call in found)


async def test_the_same_seed_is_the_same_day(gong: GongStandIn, http: httpx2.AsyncClient) -> None:
    again = GongStandIn(SECRET, clock=gong.clock, per_day=250, first_day=date(2026, 11, 2))
    assert [call.call_id for call in again.calls.started_within(DAY, DAY + timedelta(days=1), gong.clock.now)] == await ids_of(gong, http)


async def test_a_window_without_calls_is_a_404(gong: GongStandIn, http: httpx2.AsyncClient) -> None:
    answer = await ask(gong, http, "/v2/calls", {"fromDateTime": "2026-10-01T00:00:00Z", "toDateTime": "2026-10-02T00:00:00Z"})
    assert (answer.status_code, answer.json()["errors"]) == (404, ["No calls found corresponding to the provided filters"])


async def test_a_window_that_ends_before_it_begins_is_refused(gong: GongStandIn, http: httpx2.AsyncClient) -> None:
    for window in ({"fromDateTime": WHOLE_DAY["toDateTime"], "toDateTime": WHOLE_DAY["toDateTime"]}, {"fromDateTime": "yesterday"}):
        answer = await ask(gong, http, "/v2/calls", window)
        assert (answer.status_code, "requestId" in answer.json()) == (400, True)


async def test_a_cursor_dies_an_hour_after_the_first_page(gong: GongStandIn, http: httpx2.AsyncClient) -> None:
    first = (await ask(gong, http, "/v2/calls", WHOLE_DAY)).json()["records"]["cursor"]
    gong.clock.advance(3000)
    second = (await ask(gong, http, "/v2/calls", WHOLE_DAY | {"cursor": first})).json()["records"]["cursor"]
    gong.clock.advance(700)
    answer = await ask(gong, http, "/v2/calls", WHOLE_DAY | {"cursor": second})
    assert (answer.status_code, answer.json()["errors"]) == (400, ["cursor has expired"])


async def test_a_cursor_belongs_to_its_request(gong: GongStandIn, http: httpx2.AsyncClient) -> None:
    cursor = (await ask(gong, http, "/v2/calls", WHOLE_DAY)).json()["records"]["cursor"]
    answer = await ask(gong, http, "/v2/calls", {"toDateTime": WHOLE_DAY["toDateTime"], "cursor": cursor})
    assert answer.status_code == 400


async def test_four_requests_in_a_second_are_one_too_many(gong: GongStandIn, http: httpx2.AsyncClient) -> None:
    statuses = [(await http.get("/v2/users")).status_code for _ in range(4)]
    assert (statuses, gong.traffic.highest_per_s) == ([200, 200, 200, 429], 4)
    gong.clock.advance(1)
    assert (await http.get("/v2/users")).status_code == 200


async def test_a_429_says_how_long_to_wait_and_nothing_of_the_budget(gong: GongStandIn, http: httpx2.AsyncClient) -> None:
    gong.faults.limited_every, gong.faults.retry_after_s = 2, 7
    await ask(gong, http, "/v2/users", {})
    answer = await ask(gong, http, "/v2/users", {})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert not [name for name in answer.headers if "ratelimit" in name.lower()]


async def test_the_day_has_ten_thousand_requests(gong: GongStandIn) -> None:
    refused = [gong.refusal_of_rate(1) for _ in range(10_001)]
    assert [answer is None for answer in refused[-2:]] == [True, False]
    gong.clock.advance(24 * 3600)
    assert gong.refusal_of_rate(1) is None


async def test_without_the_key_pair_there_is_nothing(gong: GongStandIn, http: httpx2.AsyncClient) -> None:
    gong.clock.advance(5)
    assert (await http.get("/v2/users", auth=(ACCESS_KEY, "wrong"))).status_code == 401
    gong.faults.unauthorized = 1
    assert [(await http.get("/v2/users")).status_code for _ in range(2)] == [401, 200]


async def test_transcripts_come_hours_after_their_calls_in_any_order(gong: GongStandIn, http: httpx2.AsyncClient) -> None:
    gong.clock.set(DAY + timedelta(hours=15))
    listed = await ids_of(gong, http)
    answer = await ask(gong, http, "/v2/calls/transcript", {"filter": {"callIds": listed}})
    there = {each["callId"] for each in answer.json()["callTranscripts"]}
    assert 0 < len(there) < len(listed)
    latest_with = max(n for n, each in enumerate(listed) if each in there)
    assert any(each not in there for each in listed[:latest_with])


async def test_a_late_transcript_comes_when_the_window_has_moved_on(gong: GongStandIn, http: httpx2.AsyncClient) -> None:
    gong.faults.late_every, gong.faults.late_s = 50, 40 * 3600
    listed = await ids_of(gong, http)
    late = [call.call_id for call in gong.calls.started_within(DAY, DAY + timedelta(days=1), gong.clock.now) if call.number % 50 == 49]
    filters = {"filter": {"callIds": late}}
    assert (await ask(gong, http, "/v2/calls/transcript", filters)).status_code == 404
    gong.clock.advance(48 * 3600)
    assert len((await ask(gong, http, "/v2/calls/transcript", filters)).json()["callTranscripts"]) == len(late) == len(listed) // 50


async def test_sentences_have_milliseconds_and_speakers_are_parties(gong: GongStandIn, http: httpx2.AsyncClient) -> None:
    one = {"filter": {"callIds": (await ids_of(gong, http))[:1]}}
    selector = {"contentSelector": {"context": "Extended", "exposedFields": {"parties": True}}}
    detail = (await ask(gong, http, "/v2/calls/extensive", one | selector)).json()["calls"][0]
    said = (await ask(gong, http, "/v2/calls/transcript", one)).json()["callTranscripts"][0]
    speakers = {party["speakerId"]: party["affiliation"] for party in detail["parties"]}
    assert set(speakers.values()) == {"Internal", "External"}
    assert {turn["speakerId"] for turn in said["transcript"]} <= speakers.keys()
    spoken = [sentence for turn in said["transcript"] for sentence in turn["sentences"]]
    assert all(before["end"] <= after["start"] for before, after in pairwise(spoken))
    account = detail["context"][0]["objects"][0]
    assert (account["objectType"], len(account["objectId"]), account["objectId"][:3]) == ("Account", 18, "001")


async def test_details_have_only_what_was_selected(gong: GongStandIn, http: httpx2.AsyncClient) -> None:
    one = {"filter": {"callIds": (await ids_of(gong, http))[:1]}}
    assert list((await ask(gong, http, "/v2/calls/extensive", one)).json()["calls"][0]) == ["metaData"]


async def test_details_lag_as_often_as_told(gong: GongStandIn, http: httpx2.AsyncClient) -> None:
    gong.faults.details_missing_every, gong.faults.details_missing = 1, 2
    one = {"filter": {"callIds": (await ids_of(gong, http))[:1]}}
    assert [(await ask(gong, http, "/v2/calls/extensive", one)).status_code for _ in range(3)] == [404, 404, 200]


async def test_calls_change_are_hidden_and_are_deleted(gong: GongStandIn, http: httpx2.AsyncClient) -> None:
    before = {call.call_id for call in gong.calls.started_within(DAY, DAY + timedelta(days=1), gong.clock.now)}
    gong.faults.deleted_every, gong.faults.changed_every, gong.faults.hidden_every = 10, 7, 9
    after = await ids_of(gong, http)
    assert len(after) == len(before) - 25
    page = (await ask(gong, http, "/v2/calls", WHOLE_DAY)).json()["calls"]
    assert {call["title"].endswith("(updated)") for call in page} == {True, False}
    assert sum(call["isPrivate"] for call in page) > 8


async def test_it_is_steered_over_http(gong: GongStandIn, http: httpx2.AsyncClient) -> None:
    call_id = (await ids_of(gong, http))[0]
    assert (await http.post("/stand-in/delete", json={"call_id": call_id})).status_code == 200
    assert call_id not in await ids_of(gong, http)
    assert (await http.post("/stand-in/faults", json={"expired_cursors": 1})).status_code == 200
    assert (await http.post("/stand-in/faults", json={"expired_cursor": 1})).status_code == 400
    before = gong.clock.now
    await http.post("/stand-in/clock", json={"advance_s": 60})
    told = (await http.get("/stand-in")).json()
    assert gong.clock.now - before == timedelta(seconds=60)
    assert (told["requests"], told["highest_per_s"]) == ({"GET /v2/calls": 6}, 2)
    assert told["faults"]["expired_cursors"] == 1


async def test_a_torn_connection_is_half_an_answer(gong: GongStandIn, http: httpx2.AsyncClient) -> None:
    gong.faults.torn_every = 1
    with pytest.raises(httpx2.RemoteProtocolError):
        await ask(gong, http, "/v2/users", {})
    assert gong.traffic.torn == 1
