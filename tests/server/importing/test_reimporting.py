"""A provider that is imported again: from where it came, as it was told, with the names it has."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from server.config.load import load
from server.storage.store import Store, open_store
from tests.empty_store import put_data_directory
from tools.errors import ImportFailed
from tools.sources.importing import ImportRequest, import_openapi

OK = {"200": {"description": "ok"}}
OVERLAY = 'operations:\n  "POST /orders/find": {id: orders.search, access: read}\n  "GET /users": {hide: true}\n'


def document(*paths: str, server: str = "https://api.example.com") -> dict[str, Any]:
    methods = {path: {"post" if path.endswith("find") else "get": {"responses": OK}} for path in paths}
    return {"openapi": "3.0.3", "info": {"title": "Shop", "version": "1"}, "servers": [{"url": server}], "paths": methods}


def write(folder: Path, content: Any) -> str:
    path = folder / "shop.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(load(put_data_directory(tmp_path / "data"), {})) as opened:
        yield opened


FIRST = ("/orders", "/orders/find", "/users")


async def imported_first(store: Store, folder: Path) -> ImportRequest:
    (folder / "overlay.yaml").write_text(OVERLAY, encoding="utf-8")
    request = ImportRequest(
        write(folder, document(*FIRST)), "shop", None, "https://eu.example.com/v1", ("*order*",), str(folder / "overlay.yaml")
    )
    await import_openapi(store.operations, request)
    return request


async def test_without_a_source_the_document_is_read_where_it_was(store: Store, tmp_path: Path) -> None:
    """Issue "Calling any API": re-import shows a diff (added, changed, removed, riskier) and keeps what did not change."""
    await imported_first(store, tmp_path)
    write(tmp_path, document("/orders", "/orders/find", "/users", "/orders/{id}"))
    again = await import_openapi(store.operations, ImportRequest("", "shop"))
    assert len(again.diff.added) == 1
    assert (again.diff.changed, again.diff.removed, again.diff.unchanged) == ((), (), 2)


async def test_what_the_last_import_was_told_still_goes(store: Store, tmp_path: Path) -> None:
    """--base-url, --include and --overlay need not be said again; the report says that they were taken over."""
    await imported_first(store, tmp_path)
    again = await import_openapi(store.operations, ImportRequest("", "shop"))
    assert [operation.id for operation in again.result.operations] == ["shop.orders.get", "shop.orders.search"]
    assert {operation.binding["base_url"] for operation in again.result.operations} == {"https://eu.example.com/v1"}
    assert again.result.operations[1].access == "read"
    assert again.diff.unchanged == 2
    shown = " ".join(again.recalled)
    assert all(part in shown for part in ("shop.json", "--base-url https://eu.example.com/v1", "--include '*order*'", "overlay.yaml"))


async def test_an_overlay_that_is_gone_still_corrects(store: Store, tmp_path: Path) -> None:
    """What an operator overruled stays overruled."""
    await imported_first(store, tmp_path)
    (tmp_path / "overlay.yaml").unlink()
    again = await import_openapi(store.operations, ImportRequest("", "shop"))
    assert again.diff.unchanged == 2


async def test_an_overlay_that_was_edited_counts_as_it_is_now(store: Store, tmp_path: Path) -> None:
    """The file is the operator's; its text is only kept for when it is gone."""
    await imported_first(store, tmp_path)
    (tmp_path / "overlay.yaml").write_text(OVERLAY.replace("read", "destructive"), encoding="utf-8")
    again = await import_openapi(store.operations, ImportRequest("", "shop"))
    assert again.diff.riskier == ("shop.orders.search",)


async def test_what_is_given_comes_before_what_is_remembered_and_fresh_forgets_it(store: Store, tmp_path: Path) -> None:
    """One option may change and the others stay."""
    request = await imported_first(store, tmp_path)
    again = await import_openapi(store.operations, ImportRequest("", "shop", base_url="https://us.example.com"))
    assert {operation.binding["base_url"] for operation in again.result.operations} == {"https://us.example.com"}
    assert len(again.result.operations) == 2
    fresh = await import_openapi(store.operations, ImportRequest(request.location, "shop", is_fresh=True))
    assert len(fresh.result.operations) == 3
    assert fresh.recalled == ()
    assert {operation.binding["base_url"] for operation in fresh.result.operations} == {"https://api.example.com"}


async def test_an_operation_keeps_its_name_when_another_would_take_it(store: Store, tmp_path: Path) -> None:
    """Names are stable: whoever calls shop.orders.get must not reach something else after an import."""
    location = write(tmp_path, document("/v2/shops/orders"))
    first = await import_openapi(store.operations, ImportRequest(location, "shop"))
    [old] = [operation.id for operation in first.result.operations]
    write(tmp_path, document("/v2/shops/orders", "/shops/orders"))
    again = await import_openapi(store.operations, ImportRequest("", "shop"))
    path_by_id = {operation.id: operation.binding["path"] for operation in again.result.operations}
    assert path_by_id[old] == "/v2/shops/orders"
    assert again.diff.changed == ()


async def test_a_dry_run_remembers_nothing(store: Store, tmp_path: Path) -> None:
    """It changes nothing."""
    request = await imported_first(store, tmp_path)
    await import_openapi(store.operations, replace(request, base_url="https://other.example.com"), dry_run=True)
    again = await import_openapi(store.operations, ImportRequest("", "shop"))
    assert again.diff.unchanged == 2


async def test_without_an_earlier_import_a_source_is_asked_for(store: Store) -> None:
    """Bad input is normal input."""
    with pytest.raises(ImportFailed, match=r"no document of 'shop' .* name its file or URL"):
        await import_openapi(store.operations, ImportRequest("", "shop"))
