"""Service principals: a machine signs with its own key, and what it gets opens the administration for as much as its role, and no more."""

from dataclasses import dataclass, replace
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey

from oauth.tenants import Tenant
from oauth.tokens.formats import hash_token, new_token
from tests.gateway import NOWHERE
from tests.server.admin.conftest import Administration
from tests.server.admin.machine_keys import credentials, new_key, public, signed, signed_with_hmac


@dataclass
class Machines:
    admin: Administration

    async def add(self, key: ECKey, token: str = "", **fields: Any) -> str:
        """Add one by the API; return its client_id."""
        body = {"name": "deploy", "role": "operator", "key": fields.pop("public_key", public(key))} | fields
        answer = await self.admin.api("POST", "services", token or self.admin.operator, body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["item"]["id"])

    async def ask(self, form: dict[str, str]) -> httpx2.Response:
        return await self.admin.http.post("/token", data=form)

    async def token(self, client_id: str, key: ECKey, **more: str) -> str:
        answer = await self.ask(credentials(client_id, key, NOWHERE, **more))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


@pytest.fixture
def machines(admin: Administration) -> Machines:
    return Machines(admin)


async def test_a_machine_signs_gets_a_token_for_fifteen_minutes_and_acts_under_its_name(machines: Machines, admin: Administration) -> None:
    key = new_key()
    client_id = await machines.add(key, tenant="gateway")
    answer = (
        await machines.ask(credentials(client_id, key, NOWHERE, resource=f"{NOWHERE.replace('127.0.0.1', 'localhost')}/admin"))
    ).json()
    assert (answer["token_type"], answer["scope"]) == ("Bearer", "admin:read admin:write")
    assert 890 < answer["expires_in"] <= 900
    assert "refresh_token" not in answer
    changed = await admin.api("PATCH", "tenants/acme", answer["access_token"], {"title": "Acme!"}, if_match="*")
    assert changed.status_code == 200, changed.text
    row = (await admin.gateway.store.audit_trail.rows(limit=1))[0]
    assert (row.actor, row.action, row.target) == ("service:deploy", "tenants change", "tenants/acme")
    [shown] = (await admin.api("GET", "services", admin.operator)).json()["items"]
    assert (shown["role"], shown["reach"], shown["state"], shown["created_by"]) == ("operator", "gateway", "active", "ops@example.com")
    assert shown["last_used"] is not None


async def test_a_tokens_scopes_are_the_ceiling_and_so_is_the_role(machines: Machines, admin: Administration) -> None:
    key = new_key()
    client_id = await machines.add(key, tenant="gateway")
    reading = await machines.token(client_id, key, scope="admin:read")
    assert (await admin.api("GET", "calls", reading)).status_code == 200
    refused = await admin.api("PATCH", "tenants/acme", reading, {"title": "x"}, if_match="*")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    challenge = refused.headers["www-authenticate"]
    assert 'scope="admin:write"' in challenge
    assert 'error="insufficient_scope"' in challenge
    wide = (await machines.ask(credentials(client_id, key, NOWHERE, scope="admin:owner admin:read mcp"))).json()
    assert wide["scope"] == "admin:read"
    assert (await machines.ask(credentials(client_id, key, NOWHERE, scope="admin:owner"))).json()["error"] == "invalid_scope"
    writing = await machines.token(client_id, key)
    assert (await admin.api("POST", "services", writing, {"name": "x", "role": "owner", "key": public(key)})).status_code == 403


async def test_its_token_opens_nothing_else_and_others_do_not_open_this(machines: Machines, admin: Administration) -> None:
    """Not MCP, not models; and a client with scopes of its own gets none for the administration."""
    key = new_key()
    client_id = await machines.add(key, tenant="gateway", role="owner")
    token = await machines.token(client_id, key)
    headers = {"authorization": f"Bearer {token}"}
    for path in ("/mcp", "/v1/models", "/mcp/acme"):
        assert (await admin.http.post(path, headers=headers, json={})).status_code in (401, 403, 405), path
    for resource in (f"{NOWHERE}/mcp", f"{NOWHERE}/v1", f"{NOWHERE}/admin/acme", "https://elsewhere.test/admin"):
        answer = await machines.ask(credentials(client_id, key, NOWHERE, resource=resource))
        assert answer.json()["error"] == "invalid_target", resource
    other = await admin.gateway.store.clients.find(client_id)
    assert other is not None
    plain = replace(other, client_id="plain", service_subject="plain", service_scopes=frozenset({"mcp", "mcp:read", "admin:owner"}))
    await admin.gateway.store.clients.save(plain)
    for more in ({"resource": f"{NOWHERE}/admin"}, {"scope": "admin:owner"}):
        answer = await machines.ask(credentials("plain", key, NOWHERE, **more))
        assert answer.json()["error"] in ("invalid_target", "invalid_scope")


async def test_a_statement_that_is_not_the_machines_own_is_refused(machines: Machines, admin: Administration) -> None:
    key, stranger = new_key(), new_key()
    client_id = await machines.add(key)
    mine = {"iss": client_id, "sub": client_id, "aud": NOWHERE}
    form = credentials(client_id, key, NOWHERE)
    assert (await machines.ask(form)).status_code == 200
    assert (await machines.ask(form)).status_code == 401, "the same statement twice"
    for assertion in (
        signed(stranger, mine),
        signed(key, mine | {"aud": "https://elsewhere.test"}),
        signed(key, mine | {"aud": [NOWHERE, "https://elsewhere.test"]}),
        signed(key, mine | {"iss": "another"}),
        signed(key, mine | {"sub": "another"}),
        signed(key, mine | {"exp": 1}),
        signed(key, mine | {"exp": 4_000_000_000}),
        signed(key, mine | {"jti": None}),
        signed(stranger, mine, kid="one", jwk=stranger.as_dict(private=False)),
        signed(stranger, mine, kid="../../one", jku="https://elsewhere.test/keys"),
        signed_with_hmac(mine, public(key)),
        "e30.e30.",
        "x",
    ):
        answer = await machines.ask(form | {"client_assertion": assertion, "client_id": client_id})
        assert answer.status_code == 401, assertion
    secret = new_token("cs")
    client = await admin.gateway.store.clients.find(client_id)
    assert client is not None
    await admin.gateway.store.clients.save(replace(client, auth_method="client_secret_post", secret_hash=hash_token(secret)))
    by_secret = await machines.ask({"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret})
    assert by_secret.json()["error"] == "unauthorized_client"


async def test_who_is_ended_or_over_is_out_at_once(machines: Machines, admin: Administration) -> None:
    key = new_key()
    client_id = await machines.add(key)
    token = await machines.token(client_id, key)
    assert (await admin.api("GET", "calls", token)).status_code == 200
    assert (await admin.api("DELETE", f"services/{client_id}", admin.operator)).status_code == 200
    assert (await admin.api("GET", "calls", token)).status_code == 401
    assert (await machines.ask(credentials(client_id, key, NOWHERE))).status_code == 401
    again = await machines.add(key)
    token = await machines.token(again, key)
    store = admin.gateway.store.machines.services
    service = await store.remove("default", "deploy")
    client = await admin.gateway.store.clients.find(again)
    assert service is not None
    assert client is not None
    await admin.gateway.store.clients.remove(again)
    await store.add(replace(service, expires_at=1.0), client)
    assert (await admin.api("GET", "calls", token)).status_code == 401
    assert (await machines.ask(credentials(again, key, NOWHERE))).json()["error"] == "unauthorized_client"


async def test_its_tokens_count_from_its_networks_only(machines: Machines, admin: Administration) -> None:
    """As a trusted proxy says it; what a caller writes before that is the caller's word."""
    key = new_key()
    client_id = await machines.add(key, cidrs="192.0.2.0/24 2001:db8::/32")
    token = await machines.token(client_id, key)
    for forwarded, status in (
        ("192.0.2.7", 200),
        ("2001:db8::1", 200),
        ("198.51.100.1", 403),
        ("192.0.2.7, 198.51.100.1", 403),
        ("192.0.2.7, unknown", 403),
        ("::ffff:192.0.2.7", 200),
    ):
        answer = await admin.api("GET", "calls", token, x_forwarded_for=forwarded)
        assert answer.status_code == status, forwarded
    assert (await admin.api("GET", "calls", token)).status_code == 403
    transport = httpx2.ASGITransport(admin.gateway.app, client=("198.51.100.9", 1))
    async with httpx2.AsyncClient(transport=transport, base_url=NOWHERE) as stranger:
        headers = {"authorization": f"Bearer {token}", "x-forwarded-for": "192.0.2.7"}
        assert (await stranger.get("/admin/api/calls", headers=headers)).status_code == 403


async def test_what_cannot_be_a_service_is_refused_by_name(machines: Machines, admin: Administration) -> None:
    key = new_key()
    private = key.as_pem(private=True).decode()
    short = rsa.generate_private_key(65_537, 1_024).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for fields, place in (
        ({"key": private}, "key"),
        ({"key": str(key.as_dict(private=True)).replace("'", '"')}, "key"),
        ({"key": short}, "key"),
        ({"key": '{"kty": "oct", "k": "c2VjcmV0"}'}, "key"),
        ({"key": "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----"}, "key"),
        ({"key": "no key"}, "key"),
        ({"key": ""}, "key"),
        ({"jwks_uri": "https://keys.test/jwks"}, "key"),
        ({"key": "", "jwks_uri": "http://keys.test/jwks"}, "jwks"),
        ({"cidrs": "192.0.2.1/24"}, "cidr"),
        ({"cidrs": "everywhere"}, "cidr"),
        ({"days": "366"}, "days"),
        ({"days": "0"}, "days"),
        ({"days": "-1"}, "days"),
        ({"name": "Deploy"}, "name"),
        ({"role": "root"}, "role"),
    ):
        answer = await admin.api("POST", "services", admin.operator, {"name": "deploy", "role": "auditor", "key": public(key)} | fields)
        assert answer.status_code == 422, (fields, answer.text)
        assert answer.json()["error"]["message"].startswith(place), answer.text
    for tenant in ("gateway", "globex"):
        wide = {"name": "x", "role": "owner", "key": public(key), "tenant": tenant}
        assert (await admin.api("POST", "services", admin.acme, wide)).status_code == 403, tenant
    plain = ECKey.generate_key("P-256")
    pem = await machines.add(plain, admin.acme, public_key=plain.as_pem(private=False).decode())
    token = await machines.token(pem, plain)
    assert [row["id"] for row in (await admin.api("GET", "tenants", token)).json()["items"]] == ["acme"]
    assert (await admin.api("POST", "services", admin.acme, {"name": "deploy", "role": "auditor", "key": public(key)})).status_code == 409


async def test_metadata_and_challenges_say_where_tokens_come_from(admin: Administration) -> None:
    """RFC 9728: the challenge names the document, the document the resource, scopes and authorization server."""
    origin = NOWHERE.replace("127.0.0.1", "localhost")
    challenge = (await admin.api("GET", "calls")).headers["www-authenticate"]
    url = f"{origin}/.well-known/oauth-protected-resource/admin"
    assert f'resource_metadata="{url}"' in challenge
    document = (await admin.http.get("/.well-known/oauth-protected-resource/admin")).json()
    assert (document["resource"], document["authorization_servers"]) == (f"{origin}/admin", [NOWHERE])
    assert document["scopes_supported"] == ["admin:owner", "admin:read", "admin:write"]


async def test_a_service_is_of_a_tenant_that_is_there_and_a_tenant_has_so_many(
    machines: Machines, admin: Administration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever adds the tenant later would have a stranger's machine in it."""
    said = {"name": "deploy", "role": "owner", "key": public(new_key())}
    refused = await admin.api("POST", "services", admin.operator, said | {"tenant": "nobody"})
    assert (refused.status_code, refused.json()["error"]["faults"]) == (422, [{"place": "tenant", "message": "unknown"}])
    assert (await admin.api("POST", "services", admin.acme, said | {"tenant": "nobody"})).status_code == 403
    monkeypatch.setattr("server.storage.administration.services.MAX_OF_A_TENANT", 1)
    await machines.add(new_key(), tenant="acme")
    refused = await admin.api("POST", "services", admin.operator, said | {"name": "another", "tenant": "acme"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "too_many")
    await machines.add(new_key(), tenant="globex")


async def test_a_service_is_not_ended_by_way_of_its_client(machines: Machines, admin: Administration) -> None:
    """Not even by an owner: its machine would stay behind, without what it proves itself by."""
    key = new_key()
    client_id = await machines.add(key, tenant="gateway")
    for body in ({}, {"forget": True}):
        refused = await admin.api("POST", f"clients/{client_id}/revoke", admin.operator, body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "is_service")
        assert f"/admin/api/services/{client_id}" in refused.json()["error"]["hint"]
    assert await machines.token(client_id, key)
    [revoke] = [change for noun in admin.gateway.administration.nouns if noun.name == "clients" for change in noun.changes]
    assert revoke.needs_step_up


async def test_gateway_means_every_tenant_and_is_no_new_ones_name(admin: Administration) -> None:
    named = await admin.api("POST", "tenants", admin.operator, {"id": "gateway"})
    assert (named.status_code, "gateway" in named.json()["error"]["hint"]) == (422, True)


async def test_a_tenant_of_old_that_is_called_gateway_reaches_itself_alone(machines: Machines, admin: Administration) -> None:
    await admin.gateway.store.tenants.add(Tenant("gateway", "Old"))
    await admin.gateway.tenants.load(admin.gateway.store.tenants.all)
    subject, token = await admin.administrator("gateway", "owner@gateway.test")
    assert (await admin.api("GET", "tenants/gateway", token)).json()["title"] == "Old"
    await admin.appoint("gateway", subject, reaches_gateway=True)
    for said, reach in (({}, "gateway"), ({"tenant": "acme"}, "acme")):
        client_id = await machines.add(new_key(), token, name=f"of-{reach}", **said)
        service = await admin.gateway.store.machines.services.of(client_id)
        assert service is not None
        assert (service.tenant_id, service.reaches_gateway) == (reach, False)
