"""Documents looked at again: on a real server on loopback, through the guarded way out, with what an import keeps of its version."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oauth.tenants import DEFAULT_TENANT
from server.storage.memory.tools import MemoryOperationStore
from tests.ports import free_port
from tests.tools.sources.mcp.mcp_upstream import served
from tests.tools.workflows.jobs.run_alone import run_alone
from tools.catalog.quarantine import HeldTool
from tools.egress.client import Egress
from tools.operation import Json
from tools.sources.importing import ImportRequest, import_openapi
from tools.workflows.jobs.docs_freshness import DocsFreshness, place_of
from tools.workflows.jobs.document_version import DocumentVersions

DOCUMENT = """{"openapi": "3.0.3", "info": {"title": "Orders", "version": "1"}, "servers": [{"url": "https://api.example.com"}],
"paths": {"/orders": {"get": {"summary": "List orders", "responses": {"200": {"description": "ok"}}}}}}"""


class Upstream:
    """Serves a document with whatever its server would say; notes the conditions of requests."""

    def __init__(self) -> None:
        self.port = 0
        self.text, self.etag, self.last_modified, self.status = DOCUMENT, '"v1"', "", 200
        self.asked: list[tuple[str, str]] = []
        self.app = Starlette(routes=[Route("/openapi.json", self._answer)])

    async def _answer(self, request: Request) -> Response:
        asked = request.headers.get("if-none-match", ""), request.headers.get("if-modified-since", "")
        self.asked.append(asked)
        if (self.etag and asked[0] == self.etag) or (self.last_modified and asked[1] == self.last_modified):
            return Response(status_code=304)
        named = {"ETag": self.etag, "Last-Modified": self.last_modified}
        return Response(self.text, self.status, {name: value for name, value in named.items() if value}, "application/json")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/openapi.json"


class HeldOf:
    def __init__(self, *held: HeldTool) -> None:
        self.held = held

    async def held_of(self, tenant_id: str | None, provider: str) -> tuple[HeldTool, ...]:
        return tuple(each for each in self.held if (each.tenant_id, each.provider) == (tenant_id, provider))


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    given = Upstream()
    async with served(given.app) as given.port:
        yield given


@pytest.fixture
def store() -> MemoryOperationStore:
    return MemoryOperationStore()


async def looked_at(
    store: MemoryOperationStore, *held: HeldTool, allow: tuple[str, ...] = ("127.0.0.1:*",), tenant_id: str = "acme"
) -> Json:
    async with Egress(allow) as egress:
        return await run_alone(DocsFreshness(store, HeldOf(*held), DocumentVersions(egress)).workflow(), tenant_id)


def states(found: Json) -> dict[str, int]:
    return {name: count for name, count in found["counts"].items() if name not in ("sources", "findings")}


async def test_a_document_that_is_the_same_is_asked_for_by_its_tag_alone(upstream: Upstream, store: MemoryOperationStore) -> None:
    """RFC 9110 §13.1.2: a 304 has no body to read."""
    await import_openapi(store, ImportRequest(upstream.url, "shop", "acme"))
    assert states(await looked_at(store)) == {"fresh": 1}
    assert upstream.asked == [("", ""), ('"v1"', "")]


async def test_a_document_without_a_tag_is_asked_for_by_its_date_and_else_compared(upstream: Upstream, store: MemoryOperationStore) -> None:
    """Servers that say neither, and ones whose tag changes with each node of theirs."""
    upstream.etag, upstream.last_modified = "", "Sat, 28 Nov 2026 09:00:00 GMT"
    await import_openapi(store, ImportRequest(upstream.url, "dated", "acme"))
    upstream.last_modified = ""
    await import_openapi(store, ImportRequest(upstream.url, "bare", "acme"))
    upstream.etag = '"of another node"'
    assert states(await looked_at(store)) == {"fresh": 2}
    assert upstream.asked[2:] == [("", ""), ("", "Sat, 28 Nov 2026 09:00:00 GMT")]


async def test_a_document_that_changed_is_said_and_not_imported(upstream: Upstream, store: MemoryOperationStore) -> None:
    await import_openapi(store, ImportRequest(upstream.url + "?key=s3cret", "shop", "acme"))
    before = await store.load_provider("acme", "shop")
    upstream.text, upstream.etag = DOCUMENT.replace("List orders", "List all orders"), '"v2"'
    found = await looked_at(store)
    [one] = found["findings"]
    assert (one["kind"], one["about"], one["location"]) == ("changed", "shop", upstream.url)
    assert "ascend import openapi --provider shop --dry-run" in one["hint"]
    assert "s3cret" not in str(found)
    assert await store.load_provider("acme", "shop") == before


@pytest.mark.parametrize(("status", "kind"), [(404, "gone"), (410, "gone"), (401, "unreachable"), (500, "unreachable")])
async def test_a_document_that_cannot_be_had_is_said(upstream: Upstream, store: MemoryOperationStore, status: int, kind: str) -> None:
    await import_openapi(store, ImportRequest(upstream.url, "shop", "acme"))
    upstream.status, upstream.etag = status, ""
    [one] = (await looked_at(store))["findings"]
    assert (one["kind"], one["message"].endswith(f"it answers {status}")) == (kind, True)


async def test_one_address_that_may_not_be_called_or_does_not_answer_leaves_the_others(
    upstream: Upstream, store: MemoryOperationStore, tmp_path: Path
) -> None:
    """An import names a private host; what runs by itself goes only where the operator allows it."""
    file = tmp_path / "openapi.json"
    file.write_text(DOCUMENT, encoding="utf-8")
    await import_openapi(store, ImportRequest(upstream.url + "?key=s3cret", "web", "acme"))
    await import_openapi(store, ImportRequest(str(file), "file", "acme"))
    found = await looked_at(store, allow=())
    assert states(found) == {"fresh": 1, "unreachable": 1}
    assert "ASCEND_EGRESS_ALLOW" in found["findings"][0]["message"]
    assert "s3cret" not in str(found)
    [source] = [each for each in await store.sources("acme") if each.provider == "web"]
    await store.replace(replace(source, location=f"http://127.0.0.1:{free_port()}/openapi.json"), [])
    found = await looked_at(store)
    assert states(found) == {"fresh": 1, "unreachable": 1}
    file.write_text(DOCUMENT + " ", encoding="utf-8")
    assert states(await looked_at(store)) == {"changed": 1, "unreachable": 1}
    file.unlink()
    assert states(await looked_at(store)) == {"not_looked_at": 1, "unreachable": 1}


async def test_what_was_imported_before_versions_were_kept_is_said(upstream: Upstream, store: MemoryOperationStore) -> None:
    await import_openapi(store, ImportRequest(upstream.url, "shop", "acme"))
    [source] = await store.sources("acme")
    await store.replace(replace(source, settings={}), await store.load_provider("acme", "shop"))
    assert [each["kind"] for each in (await looked_at(store))["findings"]] == ["unknown"]


async def test_tools_that_are_not_what_was_accepted_are_stale_pins(store: MemoryOperationStore, upstream: Upstream) -> None:
    """Those that only another tenant's accounts have seen are that tenant's."""
    await import_openapi(store, ImportRequest(upstream.url, "notes", "acme"))
    [source] = await store.sources("acme")
    await store.replace(replace(source, kind="mcp"), [])
    held = HeldTool("acme", "notes", "a", "notes.a", "changed")
    found = await looked_at(store, held, replace(held, reason="gone"), replace(held, concerns="globex"))
    [one] = found["findings"]
    assert (one["kind"], one["message"], one["tools"]) == ("stale_pin", "its tools are not what was accepted: 1 changed, 1 gone", 2)
    assert states(await looked_at(store, replace(held, concerns="globex"))) == {"fresh": 1}


async def test_sources_of_one_tenant_are_looked_at_for_that_tenant(upstream: Upstream, store: MemoryOperationStore) -> None:
    """Shared ones are the default tenant's, so that none is asked for once a tenant."""
    for tenant_id in ("acme", "globex", None):
        await import_openapi(store, ImportRequest(upstream.url, "shop", tenant_id))
    tenants = ("acme", "globex", "other", DEFAULT_TENANT)
    assert [(await looked_at(store, tenant_id=each))["counts"]["sources"] for each in tenants] == [1, 1, 0, 1]


def test_a_place_is_shown_without_what_may_be_a_secret() -> None:
    assert place_of("https://ada:pw@h.example:8443/a/b.json?token=x#y") == "https://h.example:8443/a/b.json"
    assert place_of("file:///srv/docs/openapi.yaml") == "file:///srv/docs/openapi.yaml"
