"""Workload identity: what a platform signs about a job is exchanged, once, for a token of the administration (RFC 8693)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from oauth.administration.errors import MachineRefused
from oauth.administration.roles import Role
from oauth.grants.token_exchange import JWT_TYPE
from oauth.services.trust_policy import GITHUB, TrustPolicy, new_policy
from tests.server.admin.conftest import Administration, administration
from tests.server.admin.issuer import Issuer, issuing
from tests.server.admin.machine_keys import new_key, signed_with_hmac

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ADMIN = "http://localhost:9/admin"
#: of a job on the main branch
JOB = {"repository_id": "1234", "repository_owner_id": "5", "ref": "refs/heads/main"}


@dataclass
class Platform:
    admin: Administration
    issuer: Issuer

    async def trust(self, token: str = "", **fields: Any) -> str:
        """Add a policy by the API; return its id."""
        said = {"issuer": self.issuer.url, "jwks_uri": f"{self.issuer.url}/jwks", "claims": words(JOB)}
        body = {"name": "ci", "role": "operator", "tenant": "gateway"} | said | fields
        answer = await self.admin.api("POST", "trust", token or self.admin.operator, body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["item"]["id"])

    def job(self, **claims: Any) -> str:
        return self.issuer.says({"aud": ADMIN, "event_name": "push"} | JOB | claims)

    async def exchange(self, subject_token: str, **more: str) -> httpx2.Response:
        form = {"grant_type": EXCHANGE, "subject_token": subject_token, "subject_token_type": JWT_TYPE} | more
        return await self.admin.http.post("/token", data=form)


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    async with issuing() as issuer, administration(tmp_path, egress_allow=("127.0.0.1:*",)) as admin:
        yield Platform(admin, issuer)


def words(claims: dict[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in claims.items())


async def test_a_job_exchanges_what_its_platform_says_and_administers(platform: Platform) -> None:
    """As its policy's role and under its name; a second time the same statement is refused, however many come at once."""
    await platform.trust()
    statement = platform.job()
    answers: list[httpx2.Response] = []

    async def exchange() -> None:
        answers.append(await platform.exchange(statement, scope="admin:read admin:write", resource=ADMIN))

    async with anyio.create_task_group() as both:
        both.start_soon(exchange)
        both.start_soon(exchange)
    assert sorted(answer.status_code for answer in answers) == [200, 400]
    told = next(answer for answer in answers if answer.status_code == 200).json()
    assert (told["issued_token_type"], told["token_type"]) == ("urn:ietf:params:oauth:token-type:access_token", "Bearer")
    assert 890 < told["expires_in"] <= 900
    admin = platform.admin
    assert (await admin.api("PATCH", "tenants/acme", told["access_token"], {"title": "Acme!"}, if_match="*")).status_code == 200
    assert (await admin.gateway.store.audit_trail.rows(limit=1))[0].actor == "service:ci"
    assert (await platform.exchange(statement)).json()["error"] == "invalid_grant"
    assert (await platform.exchange(platform.job())).status_code == 200
    assert platform.issuer.asked <= 2, "keys are kept for minutes"


async def test_a_statement_that_says_anything_else_is_refused(platform: Platform) -> None:
    """Another job, branch, owner, audience; a pull request; a time; a key; and none of them costs the job its own statement."""
    await platform.trust()
    stranger = new_key()
    said = {"aud": ADMIN, "event_name": "push"} | JOB
    for statement in (
        platform.job(repository_id="12345"),
        platform.job(repository_id=["1234"]),
        platform.job(repository_id=None),
        platform.job(repository_owner_id="6"),
        platform.job(ref="refs/heads/main2"),
        platform.job(ref="refs/heads/*"),
        platform.job(aud=f"{ADMIN}/"),
        platform.job(aud=[ADMIN, "https://elsewhere.test"]),
        platform.job(aud="http://127.0.0.1:9/mcp"),
        platform.job(event_name="pull_request"),
        platform.job(event_name="pull_request_target"),
        platform.job(exp=1),
        platform.job(exp=4_000_000_000),
        platform.job(nbf=4_000_000_000),
        platform.job(jti=None),
        platform.job(iss="https://elsewhere.test"),
        platform.job(iss=None),
        platform.job(act={"sub": "somebody"}),
        platform.job(cnf={"jkt": "x"}),
        platform.issuer.says(said, stranger),
        platform.issuer.says(said, stranger, jwk=stranger.as_dict(private=False)),
        platform.issuer.says(said, stranger, jku=f"{platform.issuer.url}/elsewhere", kid="none"),
        signed_with_hmac({"iss": platform.issuer.url} | said, str(platform.issuer.key.as_dict(private=False))),
        "e30.e30.",
        "x" * 9_000,
    ):
        answer = await platform.exchange(statement)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant"), statement
    assert (await platform.exchange(platform.job(), scope="admin:owner")).json()["error"] == "invalid_scope"
    assert (await platform.exchange(platform.job(), resource="http://127.0.0.1:9/mcp")).json()["error"] == "invalid_target"
    for more in (
        {"subject_token_type": "urn:ietf:params:oauth:token-type:access_token"},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        {"actor_token": "x", "actor_token_type": JWT_TYPE},
        {"client_secret": "x", "client_id": "x"},
        {"client_assertion": "x"},
    ):
        assert (await platform.exchange(platform.job(), **more)).json()["error"] == "invalid_request", more


async def test_a_policy_that_names_pull_requests_takes_them(platform: Platform) -> None:
    await platform.trust(claims=words(JOB | {"event_name": "pull_request"}), role="auditor")
    assert (await platform.exchange(platform.job(event_name="pull_request"))).json()["scope"] == "admin:read"
    assert (await platform.exchange(platform.job())).status_code == 400


async def test_two_tenants_may_trust_one_job_and_each_has_a_name_for_its_own(platform: Platform) -> None:
    """By what the statement is for, or by the resource; none gives the job more than itself."""
    await platform.trust()
    await platform.trust(platform.admin.acme, tenant="acme", role="owner")
    whole = (await platform.exchange(platform.job())).json()
    assert whole["scope"] == "admin:read admin:write"
    own = f"{ADMIN}/acme"
    for more in ({}, {"resource": own}, {"resource": "http://127.0.0.1:9/admin/acme"}, {"resource": own, "audience": own}):
        told = (await platform.exchange(platform.job(aud=own), **more)).json()
        assert await tenants_seen(platform, told["access_token"]) == ["acme"], more
    for more, error in (
        ({"resource": own}, "invalid_grant"),
        ({"resource": own, "audience": ADMIN}, "invalid_target"),
        ({"resource": f"{ADMIN}/globex"}, "invalid_grant"),
        ({"resource": f"{ADMIN}/default"}, "invalid_target"),
        ({"resource": f"{ADMIN}/nobody"}, "invalid_target"),
        ({"resource": f"{ADMIN}/acme/"}, "invalid_target"),
    ):
        assert (await platform.exchange(platform.job(), **more)).json()["error"] == error, more


async def test_no_policy_of_a_tenant_gets_in_the_way_of_anothers(platform: Platform) -> None:
    """Claims of jobs are public: the same ones, the same audience, the same keys or other addresses of them change nothing for others."""
    await platform.trust()
    acme = {"tenant": "acme", "role": "owner", "audience": ADMIN}
    await platform.trust(platform.admin.acme, **acme)
    # Sorts before the address that the operator named, and has the true keys.
    await platform.trust(platform.admin.acme, **acme, name="first", jwks_uri=f"{platform.issuer.url}/aaa")
    for more in ({}, {"resource": ADMIN}):
        told = (await platform.exchange(platform.job(), **more)).json()
        assert told["scope"] == "admin:read admin:write", told


async def test_every_address_that_vouches_for_a_statement_speaks_for_its_policies(platform: Platform) -> None:
    await platform.trust()
    other = words(JOB | {"repository_id": "99"})
    await platform.trust(name="first", role="auditor", claims=other, jwks_uri=f"{platform.issuer.url}/aaa")
    assert (await platform.exchange(platform.job())).json()["scope"] == "admin:read admin:write"
    assert (await platform.exchange(platform.job(repository_id="99"))).json()["scope"] == "admin:read"


async def test_keys_that_a_tenant_names_speak_for_its_own_policies_only(platform: Platform) -> None:
    """It may say that an issuer's keys are its own: what they sign fits nobody else's policy."""
    await platform.trust()
    async with issuing() as own:
        await platform.trust(platform.admin.acme, tenant="acme", role="owner", jwks_uri=f"{own.url}/jwks")
        said = {"aud": f"{ADMIN}/acme", "event_name": "push"} | JOB
        answer = (await platform.exchange(platform.issuer.says(said, own.key))).json()
        assert await tenants_seen(platform, answer["access_token"]) == ["acme"]
        asked = own.asked
        for more in ({}, {"resource": ADMIN}):
            refused = await platform.exchange(platform.issuer.says(said | {"aud": ADMIN}, own.key), **more)
            assert refused.json()["error"] == "invalid_grant", more
        assert own.asked == asked, "who means one tenant waits for no address of another"


async def test_strangers_cannot_have_an_address_asked_again_and_again(platform: Platform) -> None:
    """Nobody authenticates at the exchange; what failed is remembered as what was read is."""
    platform.issuer.is_down = True
    await platform.trust()

    async def exchange() -> None:
        assert (await platform.exchange(platform.job())).json()["error"] == "invalid_grant"

    async with anyio.create_task_group() as strangers:
        for _ in range(5):
            strangers.start_soon(exchange)
    await exchange()
    assert platform.issuer.asked == 1


async def test_what_a_tenant_may_keep_has_a_quota(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each address of an issuer's keys is asked by each exchange; the others' quotas are their own."""
    keys = f"{platform.issuer.url}/keys"
    for number in range(3):
        await platform.trust(name=f"ci-{number}", jwks_uri=f"{keys}/{number}")
    said = {"role": "operator", "tenant": "gateway", "issuer": platform.issuer.url, "claims": words(JOB)}
    refused = await platform.admin.api("POST", "trust", platform.admin.operator, said | {"name": "more", "jwks_uri": f"{keys}/more"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "too_many")
    assert "3 addresses" in refused.json()["error"]["message"]
    await platform.trust(platform.admin.acme, name="more", tenant="acme", jwks_uri=f"{keys}/more")
    monkeypatch.setattr("server.storage.administration.services.MAX_OF_A_TENANT", 4)
    await platform.trust(name="last", jwks_uri=f"{keys}/0")
    refused = await platform.admin.api("POST", "trust", platform.admin.operator, said | {"name": "more", "jwks_uri": f"{keys}/0"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "too_many")


async def test_no_policy_is_of_a_tenant_that_there_is_not(platform: Platform) -> None:
    said = {"name": "ci", "role": "auditor", "issuer": platform.issuer.url, "jwks_uri": platform.issuer.url, "claims": words(JOB)}
    refused = await platform.admin.api("POST", "trust", platform.admin.operator, said | {"tenant": "nobody"})
    assert (refused.status_code, refused.json()["error"]["faults"]) == (422, [{"place": "tenant", "message": "unknown"}])


async def tenants_seen(platform: Platform, token: str) -> list[str]:
    return [row["id"] for row in (await platform.admin.api("GET", "tenants", token)).json()["items"]]


async def test_a_policy_that_has_ended_has_no_tokens(platform: Platform) -> None:
    policy = await platform.trust()
    token = (await platform.exchange(platform.job())).json()["access_token"]
    admin = platform.admin
    assert (await admin.api("GET", "calls", token)).status_code == 200
    assert (await admin.api("DELETE", f"trust/{policy}", admin.operator)).status_code == 200
    assert (await admin.api("GET", "calls", token)).status_code == 401
    assert (await platform.exchange(platform.job())).status_code == 400


def policy(issuer: str = GITHUB, claims: dict[str, str] | None = None, **more: Any) -> TrustPolicy:
    said: dict[str, Any] = {
        "tenant_id": "default",
        "role": Role.OPERATOR,
        "reaches_gateway": True,
        "jwks_uri": f"{issuer}/.well-known/jwks",
        "audience": "https://gate.test/admin",
        "by": "ops",
    }
    return new_policy("ci", issuer=issuer, claims=JOB if claims is None else claims, **said | more)


def test_a_policy_says_enough_that_nobody_else_fits_it() -> None:
    assert policy().claims == JOB
    assert policy(claims={"repository_id": "1", "repository_owner_id": "2", "environment": "prod"})
    assert policy("https://kubernetes.test", {"sub": "system:serviceaccount:ops:deploy"})
    for claims in (
        {},
        {"repository": "acme/app", "repository_owner": "acme", "ref": "refs/heads/main"},
        {"repository_id": "1", "repository_owner_id": "2"},
        {"repository_id": "1", "ref": "refs/heads/main"},
        {"sub": "repo:acme/app:*"},
        JOB | {"ref": "refs/heads/*"},
        JOB | {"ref": ""},
        JOB | {"aud": "x"},
        JOB | {"iss": "x"},
        {str(number): "x" for number in range(21)},
    ):
        with pytest.raises(MachineRefused):
            policy(claims=claims)
    for more in ({"jwks_uri": "http://keys.test"}, {"jwks_uri": "file:///keys"}, {"audience": ""}, {"issuer": "http://elsewhere.test"}):
        with pytest.raises(MachineRefused):
            policy(**dict[str, Any](more))
