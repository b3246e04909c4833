"""An upstream MCP server that asks for sign-in: the gateway finds out where and registers, and each person connects an own account."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from oauth.connections.errors import NotDiscoverable
from oauth.connections.provider import parse
from oauth.connections.upstream.metadata import SignIn, discover
from oauth.connections.upstream.registration import definition_of, register
from oauth.fetch import Fetched
from server.commands.upstream_sign_in import UpstreamEntrance
from tests.gateway import EMAIL, add_person
from tests.server.importing.protected_upstream import protected_upstream
from tests.server.importing.upstream_world import UpstreamWorld, upstream_world
from tests.waiting import until
from tools.errors import ImportFailed
from tools.sources.importing import ImportRequest

URL, ISSUER = "https://mcp.example.com/mcp", "https://sign-in.example.com"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[UpstreamWorld]:
    async with upstream_world(tmp_path) as world:
        yield world


async def entrance(world: UpstreamWorld, url: str) -> UpstreamEntrance:
    gateway = world.gateway
    return await UpstreamEntrance.open(gateway.settings, gateway.store, ImportRequest(url, "notes", None))


async def test_people_connect_their_own_accounts_of_a_protected_upstream(world: UpstreamWorld) -> None:
    """Issue "Calling any API": OAuth to the upstream by the same connection machinery; needs_connection, consent, the call goes through."""
    async with protected_upstream() as upstream:
        with pytest.raises(ImportFailed, match="asks for a credential"):
            await world.bring(upstream.url)
        way = await entrance(world, upstream.url)
        said = await way.sign_in_address()
        assert f"at {upstream.issuer}, where this gateway is registered now" in said
        [client] = upstream.memory.clients.values()
        assert [str(uri) for uri in client.redirect_uris or ()] == [f"{world.gateway.settings.base_url}/connect/callback/default/notes"]
        await until(lambda: _listed(world))
        with pytest.raises(ImportFailed, match="has no working account of notes"):
            await way.credential_of(EMAIL)
        # the operator's own account lists the tools
        asked = await world.run("connections.connect", provider="notes")
        await world.walk(asked["connection"]["url"])
        credential = await way.credential_of(EMAIL)
        await world.bring(upstream.url, token=credential.secret)
        assert (await world.run("notes.whoami"))["data"] == "person 1"
        # somebody else is asked to connect, and then is somebody else
        bobs = await world.mint(await add_person(world.gateway, "bob@example.com"))
        needed = await world.run("notes.whoami", token=bobs)
        assert needed["status"] == "needs_connection"
        assert (await world.described("notes.whoami"))[0]["connection"]["status"] == "ready"
        await world.walk(needed["connection"]["url"], "bob@example.com")
        assert (await world.run("notes.whoami", token=bobs))["data"] == "person 2"
        assert (await world.run("notes.whoami"))["data"] == "person 1"
        assert await way.registered() is None


async def test_a_tenant_that_came_later_is_registered_with_the_next_import(world: UpstreamWorld) -> None:
    """One registration for each tenant: the upstream learns of no other tenant by it."""
    async with protected_upstream() as upstream:
        token = upstream.memory.give(upstream.url, "operator")
        way = await entrance(world, upstream.url)
        assert await way.registered() == upstream.issuer
        eve = await world.add_tenant("globex")
        assert await way.registered() == upstream.issuer
        assert len(upstream.memory.clients) == 2
        await until(lambda: _listed(world, "globex"))
        await world.bring(upstream.url, token=token)
        needed = await world.run("notes.whoami", token=eve, tenant="globex")
        await world.walk(needed["connection"]["url"], "eve@globex.example")
        assert (await world.run("notes.whoami", token=eve, tenant="globex"))["data"] == "person 1"
        assert (await world.run("notes.whoami"))["status"] == "needs_connection"


async def test_a_gateway_on_this_machine_registers_at_another_one(world: UpstreamWorld) -> None:
    """OpenID Connect Registration §2: whoever answers at a loopback address is a native application."""
    url = world.gateway.settings.mcp_url("default")
    said = await (await entrance(world, url)).sign_in_address()
    assert f"at {world.gateway.settings.base_url}, where this gateway is registered now" in said


async def test_a_key_that_the_upstream_refuses_is_named_with_the_way_out(world: UpstreamWorld) -> None:
    """As at an HTTP API: whose account it is decides who mends it."""
    async with protected_upstream() as upstream:
        await world.bring(upstream.url, token=upstream.memory.give(upstream.url, "operator"))
        await world.connect_key("default", "wrong")
        error = (await world.run("notes.whoami"))["error"]
    assert error["code"] == "upstream_unauthorized"
    assert "of the account 'default'" in error["hint"]
    assert "`ascend connection add-key notes --alias default`" in error["hint"]


async def test_a_refused_registration_is_told_as_that(world: UpstreamWorld) -> None:
    """The upstream did say how accounts sign in; only the registration failed."""
    async with protected_upstream(registers=("other",)) as upstream:
        said = await (await entrance(world, upstream.url)).sign_in_address()
    assert "refused the registration (400 invalid_client_metadata: Requested scopes are not valid" in said
    assert "by hand" in said
    assert "does not say how" not in said


async def test_the_gateway_describes_itself_as_a_client(world: UpstreamWorld) -> None:
    """draft-ietf-oauth-client-id-metadata-document: the address is the client id; an unknown tenant has none."""
    url = f"{world.gateway.settings.base_url}/connect/clients/default/notes"
    async with httpx2.AsyncClient(timeout=30) as http:
        document = (await http.get(url)).json()
        assert document["client_id"] == url
        assert document["redirect_uris"] == [f"{world.gateway.settings.base_url}/connect/callback/default/notes"]
        assert document["token_endpoint_auth_method"] == "none"
        for path in ("nobody/notes", "default/No%20tes"):
            assert (await http.get(f"{world.gateway.settings.base_url}/connect/clients/{path}")).status_code == 404


class Web:
    """Answers by method and URL, and remembers what was sent."""

    def __init__(self, documents: Mapping[str, Any]) -> None:
        self.documents, self.posted = dict(documents), list[Any]()

    async def __call__(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, max_bytes: int, timeout_s: float
    ) -> Fetched:
        if method == "POST":
            self.posted.append((url, orjson.loads(body or b"null")))
        if url == URL:
            return Fetched(401, {"www-authenticate": self.documents.get("challenge", "Bearer")}, b"")
        found = self.documents.get(url)
        return Fetched(404 if found is None else 200, {}, orjson.dumps(found))


def documents(**changed: Any) -> dict[str, Any]:
    """Return what a server of today publishes, some of its members changed."""
    server = {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/authorize",
        "token_endpoint": f"{ISSUER}/token",
        "registration_endpoint": f"{ISSUER}/register",
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "offline_access", "notes"],
        "userinfo_endpoint": f"{ISSUER}/me",
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
        "client_id_metadata_document_supported": True,
        "authorization_response_iss_parameter_supported": True,
    }
    resource = {"resource": URL, "authorization_servers": [ISSUER], "scopes_supported": ["notes", "openid"]}
    return {
        "https://mcp.example.com/.well-known/oauth-protected-resource/mcp": resource | changed.pop("of_resource", {}),
        f"{ISSUER}/.well-known/oauth-authorization-server": server | changed,
        f"{ISSUER}/register": {"client_id": "c-1", "client_secret": "s-1"},
    }


async def test_what_an_upstream_says_becomes_a_provider(world: UpstreamWorld) -> None:
    """RFC 9728, RFC 8414, RFC 8707, RFC 9207."""
    sign_in = await discover(Web(documents()), URL)
    assert (sign_in.issuer, sign_in.scopes) == (ISSUER, ("notes", "openid", "offline_access"))
    provider = parse(definition_of(sign_in, "notes", "Notes", client_auth="basic"), {}, "notes")
    assert provider.authorize_params == provider.token_params == provider.refresh_params == {"resource": URL}
    assert (provider.issuer, provider.requires_issuer, provider.account_id_path) == (ISSUER, True, "me.sub")


async def test_a_public_gateway_is_named_by_its_document_and_any_other_registers(world: UpstreamWorld) -> None:
    """MCP 2026-07-28 authorization: metadata documents come before dynamic registration."""
    web = Web(documents())
    sign_in = await discover(web, URL)
    public = await register(web, sign_in, base_url="https://gw.example", tenant_id="acme", provider="notes", title="Notes")
    assert public.registration.client_id == "https://gw.example/connect/clients/acme/notes"
    registrations = world.gateway.connections.registrations
    await registrations.add(public.registration, public.client_secret, "operator")
    application = await registrations.application("acme", "notes")
    assert application is not None
    assert (application.client_secret, application.provider.client_auth) == ("", "body")
    local = await register(web, sign_in, base_url="http://127.0.0.1:8080", tenant_id="acme", provider="notes", title="Notes")
    assert (local.registration.client_id, local.client_secret) == ("c-1", "s-1")
    url, asked = web.posted[-1]
    assert (url, asked["token_endpoint_auth_method"]) == (f"{ISSUER}/register", "client_secret_basic")
    assert "s-1" not in repr(local)
    by_hand = SignIn(URL, ISSUER, f"{ISSUER}/authorize", f"{ISSUER}/token", ())
    with pytest.raises(NotDiscoverable, match="by hand"):
        await register(web, by_hand, base_url="http://127.0.0.1:8080", tenant_id="acme", provider="notes", title="Notes")


@pytest.mark.parametrize(
    ("web", "said"),
    [
        (documents(of_resource={"resource": "https://other.example/mcp"}), "another resource"),
        (documents(issuer="https://evil.example"), "another issuer"),
        (documents(code_challenge_methods_supported=["plain"]), "PKCE"),
        (documents(token_endpoint="http://sign-in.example.com/token"), "token_endpoint"),
        (documents(authorization_endpoint="javascript:alert(1)"), "authorization_endpoint"),
        ({"challenge": 'Bearer resource_metadata="http://169.254.169.254/"'}, "no https address"),
        ({}, "publishes no authorization server metadata"),
    ],
)
async def test_what_does_not_belong_together_is_not_followed(web: Mapping[str, Any], said: str) -> None:
    """Mix-up and downgrade: RFC 9728 §3.3, RFC 8414 §3.3."""
    with pytest.raises(NotDiscoverable, match=said):
        await discover(Web(web), URL)


async def _listed(world: UpstreamWorld, tenant: str = "default") -> bool:
    return "notes" in [provider.provider_id for provider in world.gateway.connections.registrations.listed(tenant)]
