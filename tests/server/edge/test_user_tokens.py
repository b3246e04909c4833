"""Who calls is what a token of the issuer says, and nothing that a caller writes beside it."""

import base64
import time
from pathlib import Path

import orjson
import pytest
from joserfc.jwk import ECKey, OctKey

from tests.server.edge.backend import Asked, backend, edge_of, orders
from tests.server.edge.issuer import AUDIENCE, ISSUER, Issuer, verified


def users(asked: Asked) -> dict[str, str]:
    return {name.lower(): value for name, value in asked.fields if name.lower().startswith("x-user")}


async def test_claims_go_on_and_a_callers_own_do_not(tmp_path: Path) -> None:
    issuer = Issuer()
    async with backend(issuer.speaks) as keys, backend() as server, edge_of(tmp_path, orders(server, **verified(keys))) as edge:
        claims = {"email": "ada@example.com", "role": ["admin", "ops"], "plan": "pro"}
        spoofed = {"x-user-id": "root", "x-user-role": "god", "X_User_Id": "root", "x-user-anything": "1"}
        answer = await edge.client.get("/edge/orders/", headers={**issuer.bearer(**claims), **spoofed})
        assert answer.status_code == 200
        expected = {"x-user-id": "ada", "x-user-email": "ada@example.com", "x-user-role": "admin, ops", "x-user-plan": "pro"}
        assert users(server.asked[0]) == expected
        assert not server.asked[0].of("x_user_id")
        assert edge.records[0].subject == "edge:ada"


async def test_keys_are_read_once_and_a_token_is_not_verified_twice(tmp_path: Path) -> None:
    issuer = Issuer()
    async with backend(issuer.speaks) as keys, backend() as server, edge_of(tmp_path, orders(server, **verified(keys))) as edge:
        for _ in range(3):
            assert (await edge.client.get("/edge/orders/", headers=issuer.bearer())).status_code == 200
        assert len(keys.asked) == 1


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example.com"},
        {"aud": "other"},
        {"aud": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "ada\0"},
        {"sub": "ada\ud800"},
        {"sub": "ada\n"},
        {"sub": " ada"},
        {"exp": None},
        {"exp": 1},
        {"exp": True},
        {"exp": 10**400},
        {"nbf": 9_999_999_999},
    ],
    ids=lambda claims: "-".join(f"{name}={ascii(value)[:20]}" for name, value in claims.items()),
)
async def test_a_token_for_others_or_of_another_time_is_refused(tmp_path: Path, claims: dict[str, object]) -> None:
    issuer = Issuer()
    async with backend(issuer.speaks) as keys, backend() as server, edge_of(tmp_path, orders(server, **verified(keys))) as edge:
        answer = await edge.client.get("/edge/orders/", headers=issuer.bearer(**claims))
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
        assert not server.asked


def unsigned() -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()

    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "root", "exp": int(time.time()) + 600}
    return f"{part({'alg': 'none', 'kid': 'k1'})}.{part(claims)}."


async def test_a_token_that_the_issuer_did_not_sign_is_refused(tmp_path: Path) -> None:
    issuer = Issuer()
    public_as_secret = OctKey.import_key(orjson.dumps(issuer.key.as_dict(private=False)))
    strangers = ECKey.generate_key("P-256", {"kid": "k1"})
    forged = {
        "no signature": unsigned(),
        "the public key as an HMAC secret": issuer.token(key=public_as_secret),
        "another's key": issuer.token(key=strangers),
        "a key in the header": issuer.token(header={"jwk": strangers.as_dict(private=False)}, key=strangers),
        "a token of another type": issuer.token(header={"typ": "logout+jwt"}),
        "no token at all": "a.b.c",
        "long": "a" * 10_000,
    }
    async with backend(issuer.speaks) as keys, backend() as server, edge_of(tmp_path, orders(server, **verified(keys))) as edge:
        for what, token in forged.items():
            answer = await edge.client.get("/edge/orders/", headers={"authorization": f"Bearer {token}"})
            assert (what, answer.status_code) == (what, 401)
        assert not server.asked


async def test_a_token_is_asked_for_where_it_is_required(tmp_path: Path) -> None:
    issuer = Issuer()
    async with backend(issuer.speaks) as keys, backend() as server, edge_of(tmp_path, orders(server, **verified(keys))) as edge:
        answer = await edge.client.get("/edge/orders/")
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        two = [("authorization", f"Bearer {issuer.token()}"), ("authorization", f"Bearer {issuer.token(sub='root')}")]
        assert (await edge.client.get("/edge/orders/", headers=two)).status_code == 401
        assert not server.asked


async def test_where_it_is_optional_anybody_passes_and_a_bad_token_does_not(tmp_path: Path) -> None:
    issuer = Issuer()
    async with backend(issuer.speaks) as keys, backend() as server, edge_of(tmp_path, orders(server, **verified(keys, "optional"))) as edge:
        assert (await edge.client.get("/edge/orders/", headers={"x-user-id": "root"})).status_code == 200
        assert (await edge.client.get("/edge/orders/", headers=issuer.bearer())).status_code == 200
        assert (await edge.client.get("/edge/orders/", headers={"authorization": "Bearer a.b.c"})).status_code == 401
        assert [users(asked).get("x-user-id") for asked in server.asked] == [None, "ada"]


async def test_a_claim_cannot_begin_another_field(tmp_path: Path) -> None:
    issuer = Issuer()
    async with backend(issuer.speaks) as keys, backend() as server, edge_of(tmp_path, orders(server, **verified(keys))) as edge:
        evil = {"email": "a\r\nx-user-role: admin", "role": "Zoë", "plan": {"a": 1}}
        assert (await edge.client.get("/edge/orders/", headers=issuer.bearer(**evil))).status_code == 200
        told = users(server.asked[0])
        assert told == {"x-user-id": "ada", "x-user-email": "a%0D%0Ax-user-role: admin", "x-user-role": "Zo%C3%AB"}


async def test_a_claim_with_half_a_character_is_left_out(tmp_path: Path) -> None:
    issuer = Issuer()
    async with backend(issuer.speaks) as keys, backend() as server, edge_of(tmp_path, orders(server, **verified(keys))) as edge:
        odd = {"email": "a\ud800", "role": ["ops", "\udfff"], "plan": "pro", "sub": "Zoë"}
        assert (await edge.client.get("/edge/orders/", headers=issuer.bearer(**odd))).status_code == 200
        assert users(server.asked[0]) == {"x-user-id": "Zo%C3%AB", "x-user-plan": "pro"}


async def test_keys_that_cannot_be_read_are_no_fault_of_the_token(tmp_path: Path) -> None:
    issuer = Issuer()
    async with backend() as not_keys, backend() as server, edge_of(tmp_path, orders(server, **verified(not_keys))) as edge:
        answer = await edge.client.get("/edge/orders/", headers=issuer.bearer())
        assert (answer.status_code, answer.json()["error"]) == (503, "keys_unavailable")
        assert answer.headers["retry-after"]


async def test_our_own_tokens_and_cookies_stay_here(tmp_path: Path) -> None:
    async with backend() as server, edge_of(tmp_path, orders(server)) as edge:
        own = {
            "authorization": "Bearer asc_at_" + "a" * 43,
            "cookie": "a=1; ascend_session=secret; __Host-ascend_browser=secret; b=2",
        }
        await edge.client.get("/edge/orders/", headers=own)
        asked = server.asked[0]
        assert (asked.of("authorization"), asked.of("cookie")) == ([], ["a=1; b=2"])
        await edge.client.get("/edge/orders/", headers={"authorization": "Bearer theirs"})
        assert server.asked[1].of("authorization") == ["Bearer theirs"]
