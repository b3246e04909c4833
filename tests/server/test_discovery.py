"""Server card, AI catalogue, server.json: shapes, caching, CORS."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from oauth.metadata import protected_resource_metadata
from server.config.load import load
from server.discovery import CARD_PATHS, Discovery, ai_catalog, registry_entry, server_card, server_name
from server.identity import DESCRIPTION, INSTRUCTIONS
from server.storage.store import open_store

PATHS = (*CARD_PATHS, "/.well-known/ai-catalog.json", "/server.json")
# SEP-2127 and the registry schema 2025-12-11 share these rules.
NAME_RULE = r"^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$"


@pytest.fixture
def http(tmp_path: Path) -> Iterator[TestClient]:
    settings = load(tmp_path, {}, base_url="https://mcp.example.com")
    with TestClient(Starlette(routes=[*Discovery(settings).routes()]), base_url="https://mcp.example.com") as client:
        yield client


@pytest.mark.parametrize("path", PATHS)
def test_a_document_is_public_cacheable_and_readable_from_any_page(http: TestClient, path: str) -> None:
    """SEP-2127 serving rules: no auth, CORS *, Cache-Control, ETag."""
    response = http.get(path)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["access-control-expose-headers"] == "ETag"
    assert response.headers["cache-control"] == "public, max-age=3600"
    assert response.json()


@pytest.mark.parametrize("path", PATHS)
def test_a_known_etag_answers_not_modified(http: TestClient, path: str) -> None:
    """RFC 9110 §13.1.2: weak comparison, lists, and any other tag gets the document."""
    etag = http.get(path).headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        response = http.get(path, headers={"if-none-match": known})
        assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", etag)
    assert http.get(path, headers={"if-none-match": '"other"'}).status_code == 200


def test_a_preflight_allows_conditional_requests(http: TestClient) -> None:
    """SEP-2127: allow Content-Type and If-None-Match."""
    response = http.options("/mcp/server-card", headers={"origin": "https://elsewhere.example", "access-control-request-method": "GET"})
    assert response.status_code == 204
    assert "If-None-Match" in response.headers["access-control-allow-headers"]


def test_the_card_says_where_to_connect_and_nothing_of_tools(http: TestClient) -> None:
    """SEP-2127: no tools, capabilities or auth in the card; media type; versions of both eras."""
    response = http.get("/mcp/server-card")
    card = response.json()
    assert response.headers["content-type"] == "application/mcp-server-card+json"
    assert card["remotes"][0]["url"] == "https://mcp.example.com/mcp"
    assert {"2026-07-28", "2025-11-25"} <= set(card["remotes"][0]["supportedProtocolVersions"])
    assert not {"tools", "resources", "prompts", "capabilities", "auth"} & set(card)
    assert card["name"] == "com.example.mcp/ascend-gateway"


def test_the_catalogue_points_to_the_card(http: TestClient) -> None:
    """AI catalogue 1.0: one entry with identifier, type and url."""
    (entry,) = http.get("/.well-known/ai-catalog.json").json()["entries"]
    assert entry["url"] == "https://mcp.example.com/mcp/server-card"
    assert entry["type"] == "application/mcp-server-card+json"
    assert entry["identifier"] == "urn:air:mcp.example.com:mcp:ascend-gateway"


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080", "https://gw.example.co.uk"])
def test_the_documents_fit_their_schemas_for_every_origin(tmp_path: Path, base_url: str) -> None:
    """Registry schema 2025-12-11: name pattern, description of at most 100 characters, a version that is no range."""
    settings = load(tmp_path, {}, base_url=base_url)
    for document in (server_card(settings), registry_entry(settings)):
        assert 1 <= len(document["description"]) <= 100
        assert document["version"][0].isdigit()
        assert document["name"] == server_name(settings)
    assert ai_catalog(settings)["specVersion"] == "1.0"
    assert re.match(NAME_RULE, server_name(settings))


def test_what_the_gateway_says_of_itself_is_not_cut_by_clients() -> None:
    """Clients cut instructions at 2,048 characters; the registry caps descriptions at 100."""
    assert len(INSTRUCTIONS) < 2_048
    assert len(DESCRIPTION) <= 100


async def test_a_new_gateway_calls_its_default_tenant_by_a_name_that_people_know(tmp_path: Path) -> None:
    """RFC 9728 §2, resource_name; the sign-in and consent pages say the same: "access to Default" would tell nobody to what."""
    settings = load(tmp_path / "data", {})
    async with open_store(settings) as store:
        [tenant] = await store.tenants.all()
    document = protected_resource_metadata(tenant, settings.mcp_url(tenant.tenant_id), settings.base_url, ())
    assert document["resource_name"] == "Ascend Gateway"
