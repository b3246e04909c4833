"""What an import works out about an operation beyond its schema: its tier, its paging, its hash; and what an overlay says instead."""

from dataclasses import replace
from typing import Any

import pytest

from tests.tools.sources.openapi.small_documents import LOCATION, OK, document, only
from tools.errors import ImportFailed
from tools.sources.openapi.import_document import import_document
from tools.sources.openapi.overlay import read_overlay
from tools.sources.operation_audit import misfits_of

AMOUNT = {"content": {"application/json": {"schema": {"type": "object", "properties": {"amount": {"type": "integer"}}}}}}


@pytest.mark.parametrize(
    ("method", "path", "summary", "access"),
    [
        ("put", "/sites/{id}/disable", "", "destructive"),
        ("post", "/item/access_token/invalidate", "Invalidate access_token", "destructive"),
        ("post", "/RepeatingInvoices/{id}", "Deletes a specific repeating invoice template", "destructive"),
        ("post", "/users/{id}/subscriptions/unsubscribe", "Remove Notification Subscriptions", "destructive"),
        ("post", "/invoices/{id}/void", "Void an invoice", "destructive"),
        ("post", "/v2/refunds", "Refunds a payment.", "destructive"),
        ("post", "/transfer/refund/create", "Create a refund", "destructive"),
        ("post", "/transfer/create", "Create a transfer", "destructive"),
        ("post", "/payments/{id}/refunds", "", "destructive"),
        ("post", "/payouts", "Create a payout", "destructive"),
        ("post", "/refunds/{id}", "Update a refund", "write"),
        ("post", "/transfer/refund/get", "Retrieve a refund", "read"),
        ("post", "/payout_settings", "Create payout settings", "write"),
        ("patch", "/mail_settings/bounce_purge", "Update bounce purge mail settings", "write"),
        ("patch", "/tracking", "Update click tracking. Enables or disables it", "write"),
        ("post", "/evals/{id}/runs", "Kicks off a new run", "write"),
        ("get", "/droplets/{id}/destroy_with_resources", "List what would be destroyed", "read"),
        ("get", "/files.share", "Share a remote file into a channel", "write"),
        ("get", "/pods/{name}/exec", "connect GET requests to exec of Pod", "write"),
        ("post", "/users.session.reset", "Wipes all valid sessions on all devices", "destructive"),
    ],
)
def test_the_words_of_a_document_decide_on_the_tier(method: str, path: str, summary: str, access: str) -> None:
    """What it says that it deletes, ends or pays out asks first; what only speaks of it does not."""
    body = {"requestBody": AMOUNT} if method == "post" else {}
    operation = only({path: {method: {"summary": summary, "responses": OK, **body}}})
    assert operation.access == access
    assert misfits_of(operation) == []
    assert (misfits_of(replace(operation, access="read")) == []) == (access == "read")


@pytest.mark.parametrize(
    ("method", "path", "operation_id", "access", "idempotent"),
    [
        ("get", "/users", "listUsers", "read", True),
        ("post", "/users", "createUser", "write", False),
        ("put", "/users/{id}", "replaceUser", "write", True),
        ("delete", "/users/{id}", "deleteUser", "destructive", True),
        ("post", "/users/search", "searchUsers", "read", True),
        ("post", "/users/{id}/revoke", "revokeUser", "destructive", False),
        ("get", "/users/{id}/delete", "deleteUserOldStyle", "destructive", True),
        ("post", "/chat.delete", "chat_delete", "destructive", False),
        ("get", "/#Action=DeleteDomain", "GET_DeleteDomain", "destructive", True),
        ("get", "/#Action=CreateDomain", "GET_CreateDomain", "write", False),
        ("get", "/sendMessage", "sendMessageUsingGET", "write", False),
        ("get", "/droplets/{id}/destroy_all/status", "droplets_get_DestroyStatus", "read", True),
        ("post", "/conversations/{id}/read", None, "write", False),
        ("post", "/webhooks/{id}/test", "testWebhook", "write", False),
        ("post", "/pools/{id}/removenodes", "Pool_RemoveNodes", "destructive", False),
        ("post", "/groups/{id}/removeContact/{contact}", None, "destructive", False),
        ("post", "/images/prune", "ImagePrune", "destructive", False),
        ("post", "/#X-Target=A.BatchDeleteImages", "BatchDeleteImages", "destructive", False),
    ],
)
def test_the_access_tier_follows_from_method_and_words(method: str, path: str, operation_id: str, access: str, idempotent: bool) -> None:
    """Issue "Calling any API": access tier, idempotency and destructiveness are derived."""
    operation = only({path: {method: {"operationId": operation_id, "responses": OK}}})
    assert (operation.access, operation.idempotent) == (access, idempotent)


def test_an_overlay_corrects_what_was_derived() -> None:
    """Issue "Calling any API": overridable in a small overlay file."""
    overlay = read_overlay(
        b'operations:\n  "post /reports": {id: reports.search, access: read, idempotent: true, summary: Search reports}\n'
        b"  api.users.delete: {hide: true}\n  api.gone.get: {hide: true}\n",
        "overlay.yaml",
    )
    raw = document({"/reports": {"post": {"responses": OK}}, "/users/{id}": {"delete": {"responses": OK}}})
    result = import_document(raw, provider="api", tenant_id=None, location=LOCATION, overlay=overlay)
    (operation,) = result.operations
    assert (operation.id, operation.access, operation.idempotent) == ("api.reports.search", "read", True)
    assert [skipped.where for skipped in result.skipped] == ["api.gone.get"]


def test_an_overlay_names_several_places_that_serve_the_same() -> None:
    """Issue "Calling any API": upstreams with several base URLs, by weight and health."""
    overlay = read_overlay(
        b"base_urls: [{url: 'https://a.example/v1', weight: 3, health_path: /ok}, 'https://b.example/v1']", "overlay.yaml"
    )
    raw = document({"/things": {"get": {"responses": OK}}})
    (operation,) = import_document(raw, provider="api", tenant_id=None, location=LOCATION, overlay=overlay).operations
    assert operation.binding["base_url"] == "https://a.example/v1"
    assert [place["weight"] for place in operation.binding["base_urls"]] == [3.0, 1.0]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"operations: {a: {access: evil}}", "operations.a.access"),
        (b"operations: {a: {id: 'A b'}}", "not a name"),
        (b"x: 1", "unknown key 'x'"),
    ],
)
def test_a_faulty_overlay_is_refused_with_its_place(raw: bytes, message: str) -> None:
    """Bad input is normal input."""
    with pytest.raises(ImportFailed, match=message):
        read_overlay(raw, "overlay.yaml")


def test_the_content_hash_changes_exactly_with_what_a_caller_relies_on() -> None:
    """A re-import keeps what did not change, and shows what did."""

    def hash_of(**node: Any) -> str:
        return only({"/a": {"get": {"responses": OK, **node}}}).content_hash

    plain = hash_of(summary="A")
    assert plain == hash_of(summary="A", externalDocs={"url": "https://x"})
    assert plain != hash_of(summary="B")
    assert plain != hash_of(summary="A", parameters=[{"name": "q", "in": "query", "schema": {"type": "string"}}])
    assert plain != hash_of(summary="A", deprecated=True)


@pytest.mark.parametrize(
    ("parameters", "properties", "style", "argument", "items", "following"),
    [
        (["cursor", "limit"], {"results": [], "next_cursor": ""}, "cursor", "cursor", "results", "next_cursor"),
        (["pageToken", "pageSize"], {"items": [], "nextPageToken": ""}, "cursor", "pageToken", "items", "nextPageToken"),
        (["starting_after"], {"data": [], "has_more": True}, "cursor", "starting_after", "data", "data[-1].id"),
        (["page", "per_page"], {"users": []}, "page", "page", "users", None),
        (["offset", "limit"], {"total": 1, "entries": []}, "offset", "offset", "entries", None),
        (["PageSize"], {"calls": [], "next_page_uri": ""}, "link", None, "calls", "next_page_uri"),
    ],
)
def test_paging_is_recognised(
    parameters: list[str], properties: dict[str, Any], style: str, argument: str | None, items: str, following: str | None
) -> None:
    """Issue "Calling any API": cursor, page, offset and Link header."""
    row = {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "string"}}}}
    members = {name: row if isinstance(value, list) else {"type": "string"} for name, value in properties.items()}
    answer = {"200": {"content": {"application/json": {"schema": {"type": "object", "properties": members}}}}}
    kinds = {"page": "integer", "offset": "integer", "limit": "integer"}
    listed = [{"name": name, "in": "query", "schema": {"type": kinds.get(name, "string")}} for name in parameters]
    paging = only({"/things": {"get": {"parameters": listed, "responses": answer}}}).paging
    assert paging is not None
    assert (paging.style, paging.argument, paging.items_path, paging.next_path) == (style, argument, items, following)


def test_a_link_header_means_link_paging() -> None:
    """RFC 8288."""
    answer = {"200": {"headers": {"Link": {"schema": {"type": "string"}}}, "content": {"application/json": {"schema": {"type": "array"}}}}}
    paging = only({"/things": {"get": {"responses": answer}}}).paging
    assert paging is not None
    assert (paging.style, paging.items_path) == ("link", "@")
