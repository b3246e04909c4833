"""Reading what is imported, where it is: files and URLs, documents beside them, overlays; and what the index reads of it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from capability_index.index import CapabilityIndex
from capability_index.search import Visible
from server.config.load import load
from server.storage.store import Store, open_store
from tests.empty_store import put_data_directory
from tests.ports import free_port
from tests.tools.sources.mcp.mcp_upstream import served
from tools.catalog.search_documents import MAX_CHOICES_CHARS, document_of, documents_of
from tools.errors import EgressRefused, ImportFailed
from tools.operation import Operation
from tools.sources.importing import Imported, ImportRequest, import_openapi

ORDER = {
    "type": "object",
    "properties": {"status": {"type": "string", "enum": ["paid", "refunded"], "description": "How far it is."}},
}


def document(schema: Any, server: str = "https://api.example.com") -> dict[str, Any]:
    """Return a document with one operation, `POST /orders`, whose body is `schema`."""
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    orders = {"post": {"summary": "Create an order", "requestBody": body, "responses": {"201": {"description": "made"}}}}
    return {"openapi": "3.0.3", "info": {"title": "Orders", "version": "1"}, "servers": [{"url": server}], "paths": {"/orders": orders}}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(load(put_data_directory(tmp_path / "data"), {})) as opened:
        yield opened


async def imported_file(store: Store, folder: Path, content: Any, overlay: str | None = None) -> Imported:
    """Import `content` from a file in `folder`, with an overlay beside it."""
    path = folder / "openapi.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    if overlay is not None:
        (folder / "overlay.yaml").write_text(overlay, encoding="utf-8")
    chosen = str(folder / "overlay.yaml") if overlay is not None else None
    return await import_openapi(store.operations, ImportRequest(str(path), "shop", overlay=chosen))


async def test_a_schema_in_a_file_beside_the_document_is_read(store: Store, tmp_path: Path) -> None:
    """OpenAPI 3.0.3, Reference Object: a URI reference, relative to the document."""
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "order.json").write_text(json.dumps(ORDER), encoding="utf-8")
    imported = await imported_file(store, tmp_path, document({"$ref": "schemas/order.json"}))
    assert imported.result.skipped == ()
    assert imported.result.operations[0].input_schema["properties"]["status"]["enum"] == ["paid", "refunded"]


async def test_a_file_outside_the_folder_of_the_document_is_not_read(store: Store, tmp_path: Path) -> None:
    """A document is somebody else's: it may not read this machine's files."""
    (tmp_path / "elsewhere.json").write_text(json.dumps(ORDER), encoding="utf-8")
    (tmp_path / "inside").mkdir()
    imported = await imported_file(store, tmp_path / "inside", document({"$ref": "../elsewhere.json"}))
    assert "refunded" not in json.dumps(imported.result.operations[0].input_schema)
    assert any("elsewhere.json" in skipped.reason for skipped in imported.result.skipped)


async def test_a_schema_at_the_documents_own_origin_is_fetched_and_no_other(store: Store) -> None:
    """The operator named one host, which may be a private one; what the document refers to on others stays unread."""
    asked: list[str] = []

    async def order(request: Request) -> Response:
        asked.append(request.url.netloc)
        return Response(json.dumps(ORDER), media_type="application/json")

    async def openapi(request: Request) -> Response:
        own, other = document({"$ref": "order.json"}), document({"$ref": f"http://127.0.0.1:{other_port}/order.json"})
        own["paths"]["/others"] = other["paths"]["/orders"]
        return Response(json.dumps(own), media_type="application/json")

    app = Starlette(routes=[Route("/openapi.json", openapi), Route("/order.json", order)])
    async with served(app) as other_port, served(app) as port:
        imported = await import_openapi(store.operations, ImportRequest(f"http://127.0.0.1:{port}/openapi.json", "shop"))
    operations = {operation.id: operation for operation in imported.result.operations}
    assert operations["shop.orders.create"].input_schema["properties"]["status"]["enum"] == ["paid", "refunded"]
    assert "refunded" not in json.dumps(operations["shop.others.create"].input_schema)
    assert asked == [f"127.0.0.1:{port}"]


async def test_a_redirect_does_not_lead_to_another_private_host(store: Store) -> None:
    """Only the host that the operator named is allowed to be private."""

    async def leave(request: Request) -> Response:
        return RedirectResponse(f"http://127.0.0.1:{other_port}/openapi.json")

    async def openapi(request: Request) -> Response:
        return Response(json.dumps(document(ORDER)), media_type="application/json")

    async with (
        served(Starlette(routes=[Route("/openapi.json", openapi)])) as other_port,
        served(Starlette(routes=[Route("/openapi.json", leave)])) as port,
    ):
        with pytest.raises(EgressRefused):
            await import_openapi(store.operations, ImportRequest(f"http://127.0.0.1:{port}/openapi.json", "shop"))


async def test_an_overlay_corrects_what_was_derived(store: Store, tmp_path: Path) -> None:
    """docs/guides/importing.md, "Correct what is derived"."""
    overlay = 'base_url: https://eu.example.com\noperations:\n  "POST /orders": {id: orders.search, access: read, idempotent: true}\n'
    imported = await imported_file(store, tmp_path, document(ORDER), overlay)
    [operation] = imported.result.operations
    assert (operation.id, operation.access, operation.idempotent) == ("shop.orders.search", "read", True)
    assert operation.binding["base_url"] == "https://eu.example.com"


@pytest.mark.parametrize(
    ("overlay", "said"),
    [
        ("operations: {shop.orders.create: {acces: read}}", "operations.shop.orders.create: unknown key 'acces', known are id, access"),
        ("operations: {shop.orders.create: {acces: read}}", "; did you mean 'access'?"),
        ("base_urls: [{url: 'https://a.example', wait: 1}]", "base_urls.0: unknown key 'wait', known are url, weight, health_path"),
        ("base_ulr: https://a.example", "the file: unknown key 'base_ulr'"),
        ("operations: [shop.orders.create]", "operations: not a map of keys and values"),
        ("[1, 2]", "the file: "),
        ("{", "neither JSON nor YAML"),
    ],
)
async def test_a_wrong_overlay_is_refused_with_its_place_and_nothing_is_imported(
    store: Store, tmp_path: Path, overlay: str, said: str
) -> None:
    """An import is whole or not at all."""
    with pytest.raises(ImportFailed, match=r"overlay\.yaml") as caught:
        await imported_file(store, tmp_path, document(ORDER), overlay)
    assert said in str(caught.value)
    assert await store.operations.sources(None) == []


@pytest.mark.parametrize("location", ["http://127.0.0.1:99999/x", "http://[::1/x", "https://", "no\0name", "/nowhere/openapi.json", "/"])
async def test_what_is_neither_a_file_nor_an_address_is_refused_in_a_sentence(store: Store, location: str) -> None:
    """Bad input is normal input."""
    with pytest.raises((ImportFailed, EgressRefused)) as caught:
        await import_openapi(store.operations, ImportRequest(location, "shop"))
    assert caught.value.failure.message


async def test_a_host_where_nobody_listens_is_refused_with_the_cause_and_the_way_out(store: Store) -> None:
    """contracts.md: errors name the thing, the rule and the way out."""
    with pytest.raises(ImportFailed, match=r"^127\.0\.0\.1:\d+ could not be reached: connection refused; check the address"):
        await import_openapi(store.operations, ImportRequest(f"http://127.0.0.1:{free_port()}/openapi.json", "shop"))


async def test_the_values_of_a_parameter_are_found_and_indexed_again_when_they_change(store: Store, tmp_path: Path) -> None:
    """People ask for what a parameter may be, in the words of its enumeration."""
    index = CapabilityIndex(None)
    first = (await imported_file(store, tmp_path, document(ORDER))).result.operations
    assert [word.description for word in document_of(first[0]).parameters] == ["How far it is. paid, refunded"]
    index.upsert("*", documents_of(first))
    [fitting] = index.search("refunded", Visible(("*",)), 1).hits
    changed = {"type": "object", "properties": {"status": {"type": "string", "enum": ["paid", "shipped"], "description": "How far it is."}}}
    imported = await imported_file(store, tmp_path, document(changed))
    assert imported.diff.changed == ("shop.orders.create",)
    assert index.upsert("*", documents_of(imported.result.operations)).changed == 1
    assert index.upsert("*", documents_of(imported.result.operations)).unchanged == 1
    [left] = index.search("refunded", Visible(("*",)), 1).hits
    assert left.score < fitting.score / 10


async def test_a_long_enumeration_is_cut(store: Store, tmp_path: Path) -> None:
    """All currencies of the world would drown what else is said of an operation; lists and alternatives count like the value itself."""
    many = {"type": "string", "enum": [f"currency_{number}" for number in range(500)]}
    ways = {"oneOf": [{"type": "string", "enum": ["air", "sea"]}, {"const": "rail"}, {"type": "integer"}]}
    properties = {"currencies": {"type": "array", "items": many}, "way": ways, "callback": {"type": "string", "enum": ["GET", "POST"]}}
    [operation] = (await imported_file(store, tmp_path, document({"type": "object", "properties": properties}))).result.operations
    said = described(operation)
    assert said["currencies"].startswith("currency_0, currency_1")
    assert len(said["currencies"]) <= MAX_CHOICES_CHARS
    assert said["way"] == "air, sea, rail"
    assert said["callback"] == ""


def described(operation: Operation) -> dict[str, str]:
    return {each.name: each.description for each in document_of(operation).parameters}


async def test_files_in_a_named_folder_are_read_and_no_others(store: Store, tmp_path: Path) -> None:
    """`--root`: a document in a folder of its own, with what it shares beside that folder; the next import remembers it."""
    (tmp_path / "all" / "api").mkdir(parents=True)
    (tmp_path / "all" / "order.json").write_text(json.dumps(ORDER), encoding="utf-8")
    (tmp_path / "order.json").write_text(json.dumps(ORDER), encoding="utf-8")
    (tmp_path / "all" / "linked.json").symlink_to(tmp_path / "order.json")
    path = tmp_path / "all" / "api" / "openapi.json"
    for ref, is_read in (("../order.json", True), ("../../order.json", False), ("../linked.json", False)):
        path.write_text(json.dumps(document({"$ref": ref})), encoding="utf-8")
        imported = await import_openapi(store.operations, ImportRequest(str(path), "shop", root=str(tmp_path / "all")))
        assert (imported.result.skipped == ()) == is_read, imported.result.skipped
    path.write_text(json.dumps(document({"$ref": "../order.json"})), encoding="utf-8")
    again = await import_openapi(store.operations, ImportRequest("", "shop"))
    assert again.result.skipped == ()
    assert f"--root {tmp_path / 'all'}" in again.recalled
    with pytest.raises(ImportFailed, match="--root"):
        await import_openapi(store.operations, ImportRequest(str(path), "shop", root=str(tmp_path / "all" / "api" / "..") + "/none"))
