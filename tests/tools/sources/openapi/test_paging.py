"""How an API pages is read from its document, and `page` then brings the whole list over real HTTP."""

import json
from typing import Any

import pytest
from aiohttp import web

from tests.tools.sources.http.api_world import Wallet
from tests.tools.stand_ins import gateway
from tools.egress.client import Egress
from tools.sources.http.runner import OpenApiRunner
from tools.sources.openapi.import_document import import_document

COUNT, SIZE = 23, 5
ROWS = [{"id": f"r{number}"} for number in range(COUNT)]
ROW = {"type": "object", "properties": {"id": {"type": "string"}}}
LIST = {"type": "array", "items": ROW}


def answer(schema: Any, **headers: Any) -> dict[str, Any]:
    return {"200": {"description": "ok", "headers": headers, "content": {"application/json": {"schema": schema}}}}


def listing(names: dict[str, str], responses: Any) -> dict[str, Any]:
    parameters = [{"name": name, "in": "query", "schema": {"type": kind}} for name, kind in names.items()]
    return {"get": {"parameters": parameters, "responses": responses}}


def outer(**members: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"items": LIST, **members}}


TEXT = {"type": "string"}
#: path -> (style that is read from it, the path item)
LISTS: dict[str, tuple[str, dict[str, Any]]] = {
    "/by-cursor": ("cursor", listing({"page_token": "string", "limit": "integer"}, answer(outer(next_page_token=TEXT)))),
    "/by-last-id": ("cursor", listing({"starting_after": "string", "limit": "integer"}, answer(outer(has_more={"type": "boolean"})))),
    "/by-nested-cursor": (
        "cursor",
        listing(
            {"after": "string", "limit": "integer"},
            answer(outer(paging={"type": "object", "properties": {"next": {"type": "object", "properties": {"after": TEXT}}}})),
        ),
    ),
    "/by-odata": ("link", listing({"$top": "integer"}, answer(outer(**{"@odata.nextLink": TEXT})))),
    "/by-page": ("page", listing({"page": "integer", "per_page": "integer"}, answer(LIST))),
    "/by-offset": ("offset", listing({"offset": "integer", "limit": "integer"}, answer(outer(total={"type": "integer"})))),
    "/by-header": ("link", listing({"per_page": "integer"}, answer(LIST, Link={"schema": TEXT}))),
    "/by-address": ("link", listing({"limit": "integer"}, answer(outer(next_url={"type": "string", "format": "uri"})))),
}


async def serve(request: web.Request) -> web.Response:
    asked = request.query
    size = int(asked.get("limit", asked.get("per_page", SIZE)))
    start = int(asked.get("start", asked.get("offset", 0)))
    if "page_token" in asked:
        start = int(asked["page_token"].removeprefix("token-"))
    if "starting_after" in asked:
        start = int(asked["starting_after"].removeprefix("r")) + 1
    if "page" in asked:
        start = (int(asked["page"]) - 1) * size
    if "after" in asked:
        start = int(asked["after"].removeprefix("token-"))
    rows, is_more = ROWS[start : start + size], start + size < COUNT
    following = f"{request.scheme}://{request.host}{request.path}?start={start + size}&limit={size}"
    if request.path == "/by-header":
        return web.json_response(rows, headers={"Link": f'<{following}>; rel="next"'} if is_more else {})
    if request.path == "/by-page":
        return web.json_response(rows)
    body: dict[str, Any] = {"items": rows}
    if request.path == "/by-cursor" and is_more:
        body["next_page_token"] = f"token-{start + size}"
    if request.path == "/by-nested-cursor":
        body["paging"] = {"next": {"after": f"token-{start + size}"}} if is_more else {}
    if request.path == "/by-odata" and is_more:
        body["@odata.nextLink"] = following
    if request.path == "/by-last-id":
        body["has_more"] = is_more
    if request.path == "/by-offset":
        body["total"] = COUNT
    if request.path == "/by-address" and is_more:
        body["next_url"] = following
    return web.json_response(body)


@pytest.mark.parametrize("path", list(LISTS))
async def test_a_whole_list_comes_page_by_page_whatever_the_api_calls_it(path: str) -> None:
    """Issue "Calling any API": pagination is recognised (cursor, page, offset, Link header) and driven by `page`."""
    style, item = LISTS[path]
    app = web.Application()
    app.router.add_get("/{rest:.*}", serve)
    site = web.AppRunner(app)
    await site.setup()
    await web.TCPSite(site, "127.0.0.1", 0).start()
    try:
        base_url = f"http://127.0.0.1:{site.addresses[0][1]}"
        raw = json.dumps({"openapi": "3.1.0", "info": {}, "paths": {path: item}}).encode()
        [operation] = import_document(raw, provider="api", tenant_id=None, location="d.json", base_url=base_url).operations
        assert operation.paging is not None
        assert operation.paging.style == style
        async with Egress(allow=["127.0.0.1:*"]) as egress:
            house = await gateway([operation])
            house.runner.answers[operation.id] = OpenApiRunner(egress, Wallet()).run
            whole = await house.call("call_api", {"api": operation.id, "page": {"mode": "all"}, "max_chars": 100_000})
            first = await house.call("call_api", {"api": operation.id, "page": {"mode": "max", "max_items": 7}, "max_chars": 100_000})
            assert first.page is not None
            rest = await house.call("call_api", {"api": operation.id, "page": {"mode": "all", "cursor": first.page.next_cursor}})
    finally:
        await site.cleanup()
    assert whole.status == "ok", whole
    assert rows_of(whole.data) == ROWS
    assert rows_of(first.data) + rows_of(rest.data) == ROWS


def rows_of(data: Any) -> list[Any]:
    rows: list[Any] = data["items"] if isinstance(data, dict) else data
    return rows
