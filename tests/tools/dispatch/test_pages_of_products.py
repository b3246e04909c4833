"""Lists of known products, two pages each, over real HTTP: read from first to last, with as many requests as there are pages."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from server.storage.memory.tools import MemoryResultStore
from tests.tools.sources.http.api_world import Wallet
from tests.tools.sources.openapi.callable import call_of
from tools.dispatch.pages.page_cursor import CursorSeal
from tools.dispatch.pages.pager import Pager
from tools.egress.client import Egress
from tools.operation import CallOptions, Json, PageRequest
from tools.sources.http.runner import OpenApiRunner
from tools.sources.openapi.import_document import import_document

ITEMS: dict[str, Any] = {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "integer"}}}}
TEXT, INTEGER, FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
ANY: dict[str, Any] = {}
TWO = {"type": "integer", "default": 2}
ONE, OTHER = [{"id": 1}, {"id": 2}], [{"id": 3}, {"id": 4}]
PAGE, NUMBERED = {"page": INTEGER}, {"page": INTEGER, "per_page": TWO}


@dataclass(frozen=True)
class Listing:
    """`second` says of a query whether it asks for the second page; `heads` are the header fields of the two."""

    arguments: Mapping[str, Any]
    answer: Mapping[str, Any]
    second: Callable[[Mapping[str, str]], bool]
    pages: tuple[Json, Json]
    heads: tuple[dict[str, str], dict[str, str]] = field(default=({}, {}))


def shape(**members: Any) -> dict[str, Any]:
    return {"type": "object", "properties": members}


def asks(name: str, value: str) -> Callable[[Mapping[str, str]], bool]:
    return lambda query: query.get(name) == value


def cursors(name: str, member: str, value: Json, last: Json, argument: Any = TEXT, kind: Any = TEXT) -> Listing:
    """Return a list whose answer has the next cursor in `member`, and `last` there on the last page."""
    ends: dict[str, Json] = {"items": OTHER} if last is ... else {"items": OTHER, member: last}
    return Listing({name: argument}, shape(items=ITEMS, **{member: kind}), asks(name, str(value)), ({"items": ONE, member: value}, ends))


def counted(**heads: tuple[str, str]) -> Listing:
    """Return a bare list with numbers of pages, whose header tells of them."""
    first, last = ({name.replace("_", "-"): both[page] for name, both in heads.items()} for page in (0, 1))
    return Listing(NUMBERED, ITEMS, asks("page", "2"), (ONE, OTHER), (first, last))


def ranged(unit: str) -> Listing:
    heads = ({"Content-Range": f"{unit}0-1/4"}, {"Content-Range": f"{unit}2-3/4"})
    return Listing({"offset": INTEGER, "limit": TWO}, ITEMS, asks("offset", "2"), (ONE, OTHER), heads)


def flagged(name: str, more: Json, last: Json) -> Listing:
    return Listing(PAGE, shape(data=ITEMS, **{name: ANY}), asks("page", "2"), ({"data": ONE, name: more}, {"data": OTHER, name: last}))


NEXT_PAGE = shape(offset=TEXT, path=TEXT, uri=TEXT)
SCIM = shape(Resources=ITEMS, totalResults=INTEGER, startIndex=INTEGER, itemsPerPage=INTEGER)
LISTINGS: dict[str, Listing] = {
    "Airtable": cursors("offset", "offset", "itrX/recY", ...),
    "X, a number": cursors("cursor", "next_cursor", 77, 0, INTEGER, INTEGER),
    "X, a text": cursors("cursor", "next_cursor", "77", "0"),
    "minus one": cursors("cursor", "next_cursor", "77", "-1"),
    "null as a word": cursors("cursor", "next_cursor", "x", "null"),
    "the last key": cursors("last_key", "last_key", "k", ...),
    "Google": cursors("pageToken", "nextPageToken", "t", ""),
    "AWS": cursors("NextToken", "NextToken", "t", ...),
    "Notion": cursors("start_cursor", "next_cursor", "u", None),
    "Salesforce": Listing(
        {},
        shape(records=ITEMS, done=FLAG, nextRecordsUrl=TEXT),
        lambda query: "p" in query,
        ({"records": ONE, "done": False, "nextRecordsUrl": "/l?p=2"}, {"records": OTHER, "done": True}),
    ),
    "Asana": Listing(
        {"offset": TEXT, "limit": INTEGER},
        shape(data=ITEMS, next_page=NEXT_PAGE),
        asks("offset", "ab"),
        ({"data": ONE, "next_page": {"offset": "ab", "path": "/l?offset=ab", "uri": "/l?offset=ab"}}, {"data": OTHER, "next_page": None}),
    ),
    "SCIM": Listing(
        {"startIndex": INTEGER, "count": INTEGER},
        SCIM,
        asks("startIndex", "3"),
        (
            {"Resources": ONE, "totalResults": 4, "startIndex": 1, "itemsPerPage": 2},
            {"Resources": OTHER, "totalResults": 4, "startIndex": 3, "itemsPerPage": 2},
        ),
    ),
    "Kubernetes": Listing(
        {"continue": TEXT, "limit": INTEGER},
        shape(items=ITEMS, metadata=shape(**{"continue": TEXT})),
        asks("continue", "tok"),
        ({"items": ONE, "metadata": {"continue": "tok"}}, {"items": OTHER, "metadata": {"continue": ""}}),
    ),
    "JSON:API, link objects": Listing(
        {"page[number]": INTEGER},
        shape(data=ITEMS, links=shape(next=ANY)),
        lambda query: "2" in query.values(),
        ({"data": ONE, "links": {"next": {"href": "/l?page[number]=2"}}}, {"data": OTHER, "links": {"next": None}}),
    ),
    "Zendesk": Listing(
        {"page[after]": TEXT},
        shape(tickets=ITEMS, meta=shape(has_more=FLAG, after_cursor=TEXT), links=shape(next=TEXT)),
        asks("page[after]", "x"),
        (
            {"tickets": ONE, "meta": {"has_more": True, "after_cursor": "x"}, "links": {"next": "/l?page[after]=x"}},
            {"tickets": OTHER, "meta": {"has_more": False, "after_cursor": "y"}, "links": {"next": "/l?page[after]=y"}},
        ),
    ),
    "Twilio": Listing(
        {"Page": INTEGER},
        shape(messages=ITEMS, next_page_uri=TEXT, page=INTEGER),
        asks("Page", "1"),
        ({"messages": ONE, "next_page_uri": "/l?Page=1", "page": 0}, {"messages": OTHER, "next_page_uri": None, "page": 1}),
    ),
    "WooCommerce": counted(X_WP_TotalPages=("2", "2"), X_WP_Total=("4", "4")),
    "ASP.NET": counted(
        X_Pagination=('{"TotalCount":4,"CurrentPage":1,"HasNext":true}', '{"TotalCount":4,"CurrentPage":2,"HasNext":false}')
    ),
    "a flag in the header": counted(X_Has_More=("true", "false")),
    "Rails": counted(Total=("4", "4"), Per_Page=("2", "2")),
    "GitLab": counted(X_Next_Page=("2", ""), X_Total_Pages=("2", "2")),
    "PostgREST": ranged(""),
    "Content-Range with a unit": ranged("items "),
    "a flag that is a number": flagged("has_more", 1, 0),
    "a flag that is a word": flagged("has_more", "true", "false"),
    "a next page of minus one": flagged("next_page", 2, -1),
    "a next page of zero": flagged("next_page", 2, 0),
}


class Upstream:
    """Gives the pages of a listing, and 404 to whoever asks further."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(str(request.rel_url))
        if len(self.asked) > len(self.listing.pages):
            return web.json_response({"error": "no such page"}, status=404)
        page = int(self.listing.second(request.query))
        return web.json_response(self.listing.pages[page], headers=self.listing.heads[page])


@pytest.mark.parametrize("product", LISTINGS)
async def test_every_page_is_read_once_and_the_last_is_known(product: str) -> None:
    listing = LISTINGS[product]
    upstream, app = Upstream(listing), web.Application()
    app.router.add_get("/l", upstream.answer)
    parameters = [{"name": name, "in": "query", "schema": schema} for name, schema in listing.arguments.items()]
    declared = {"200": {"description": "", "content": {"application/json": {"schema": listing.answer}}}}
    paths = {"/l": {"get": {"operationId": "listL", "parameters": parameters, "responses": declared}}}
    document = {"openapi": "3.1.0", "info": {}, "servers": [{"url": "https://elsewhere.example"}], "paths": paths}
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        brought = import_document(json.dumps(document).encode(), provider="x", tenant_id=None, location="d.json", base_url=base_url)
        async with Egress(allow=["127.0.0.1:*"]) as egress:
            call = call_of(brought.operations[0], {}, CallOptions(page=PageRequest(mode="all")))
            outcome = await Pager(CursorSeal(b"k" * 32)).run(call, OpenApiRunner(egress, Wallet(), MemoryResultStore()).run)
    finally:
        await runner.cleanup()
    assert outcome.status == "ok", outcome.error
    assert outcome.page is not None
    assert (outcome.page.items, outcome.page.has_more, outcome.note) == (4, False, None), upstream.asked
    assert len(upstream.asked) == len(listing.pages)
