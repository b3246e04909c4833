"""The demo CRM's authorization server, walked as a client and a browser would."""

import base64
import hashlib
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from server.demo.app import build
from server.demo.grants import Faults, OAuthClient, OAuthSettings
from tests.server.demo.listening import listening

CLIENT = OAuthClient("ascend", "s3cret")
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
BACK = "http://127.0.0.1:9/connect/callback/default/crm"


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def crm(faults: Faults) -> Iterator[httpx2.Client]:
    with listening(build(oauth=OAuthSettings(CLIENT), faults=faults)) as url, httpx2.Client(base_url=url, timeout=30) as client:
        yield client


def consent(crm: httpx2.Client, decision: str = "allow", scope: str = "crm.read", owner_id: str = "own_2") -> dict[str, str]:
    asked = {"response_type": "code", "client_id": "ascend", "redirect_uri": BACK, "scope": scope, "state": "s1"}
    page = crm.get("/oauth/authorize", params=asked | {"code_challenge": CHALLENGE, "code_challenge_method": "S256"})
    found = re.search(r'name="consent_id" value="([^"]+)"', page.text)
    assert found, page.text
    answer = crm.post("/oauth/authorize", data={"consent_id": found[1], "decision": decision, "owner_id": owner_id})
    assert answer.status_code == 303
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def ask_token(crm: httpx2.Client, **fields: str) -> httpx2.Response:
    return crm.post("/oauth/token", data=fields, auth=("ascend", "s3cret"))


def connect(crm: httpx2.Client, scope: str = "crm.read") -> dict[str, str]:
    tokens: dict[str, str] = ask_token(
        crm, grant_type="authorization_code", code=consent(crm, scope=scope)["code"], redirect_uri=BACK, code_verifier=VERIFIER
    ).json()
    return tokens


def bearer(tokens: dict[str, str]) -> dict[str, str]:
    return {"authorization": f"Bearer {tokens['access_token']}"}


def test_a_consent_gives_tokens_that_act_as_the_chosen_owner(crm: httpx2.Client) -> None:
    """RFC 6749 §4.1 with PKCE (RFC 7636) and iss (RFC 9207)."""
    back = consent(crm)
    assert (back["state"], back["iss"]) == ("s1", str(crm.base_url).rstrip("/"))
    answer = ask_token(crm, grant_type="authorization_code", code=back["code"], redirect_uri=BACK, code_verifier=VERIFIER)
    assert crm.get("/owners/me", headers=bearer(answer.json())).json()["id"] == "own_2"
    assert crm.get("/oauth/userinfo", headers=bearer(answer.json())).json()["sub"] == "own_2"
    again = ask_token(crm, grant_type="authorization_code", code=back["code"], redirect_uri=BACK, code_verifier=VERIFIER)
    assert again.json()["error"] == "invalid_grant"


def test_a_read_token_cannot_write(crm: httpx2.Client) -> None:
    """RFC 6750 §3.1: insufficient_scope."""
    note = {"about_id": "con_1001", "text": "x"}
    refused = crm.post("/notes", json=note, headers=bearer(connect(crm)))
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    assert crm.post("/notes", json=note, headers=bearer(connect(crm, "crm.read crm.write"))).status_code == 201


def test_a_wrong_verifier_gets_nothing(crm: httpx2.Client) -> None:
    """RFC 7636 §4.6."""
    answer = ask_token(crm, grant_type="authorization_code", code=consent(crm)["code"], redirect_uri=BACK, code_verifier="w" * 64)
    assert answer.json()["error"] == "invalid_grant"


def test_a_denied_consent_returns_access_denied(crm: httpx2.Client) -> None:
    """RFC 6749 §4.1.2.1."""
    assert consent(crm, decision="deny")["error"] == "access_denied"


def test_reusing_a_rotated_refresh_token_ends_the_grant(crm: httpx2.Client) -> None:
    """RFC 9700 §4.14: this is how a client that refreshes twice loses its account."""
    first = connect(crm)
    second = ask_token(crm, grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert ask_token(crm, grant_type="refresh_token", refresh_token=first["refresh_token"]).json()["error"] == "invalid_grant"
    assert crm.get("/owners/me", headers=bearer(second)).status_code == 401


def test_a_revoked_token_opens_nothing(crm: httpx2.Client) -> None:
    """RFC 7009."""
    tokens = connect(crm)
    assert crm.post("/oauth/revoke", data={"token": tokens["refresh_token"]}, auth=("ascend", "s3cret")).status_code == 200
    assert crm.get("/owners/me", headers=bearer(tokens)).status_code == 401


def test_an_unregistered_redirect_uri_is_never_redirected_to(crm: httpx2.Client) -> None:
    """RFC 6749 §4.1.2.1."""
    asked = {"response_type": "code", "client_id": "ascend", "redirect_uri": "https://evil.example/x"}
    assert crm.get("/oauth/authorize", params=asked).status_code == 400


def test_a_consent_page_answers_to_its_own_browser_only(crm: httpx2.Client) -> None:
    """RFC 9700 §4.7."""
    asked = {
        "response_type": "code",
        "client_id": "ascend",
        "redirect_uri": BACK,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    page = crm.get("/oauth/authorize", params=asked)
    found = re.search(r'name="consent_id" value="([^"]+)"', page.text)
    assert found
    with httpx2.Client(base_url=crm.base_url, timeout=30) as other:
        answer = other.post("/oauth/authorize", data={"consent_id": found[1], "decision": "allow", "owner_id": "own_1"})
    assert answer.status_code == 400


def test_injected_faults_come_as_set_and_end(crm: httpx2.Client, faults: Faults) -> None:
    """Issue 6: 429, unavailable, lost replies and refusals on demand."""
    tokens = connect(crm)
    faults.too_many_requests = faults.unavailable = faults.lost_replies = 1
    answers = [ask_token(crm, grant_type="refresh_token", refresh_token=tokens["refresh_token"]).status_code for _ in range(4)]
    assert answers == [429, 503, 502, 400]
    faults.clock_ahead_s = 1801
    assert crm.get("/owners/me", headers=bearer(connect(crm))).status_code == 401


def test_a_wrong_client_secret_is_refused(crm: httpx2.Client) -> None:
    """RFC 6749 §5.2."""
    answer = crm.post("/oauth/token", data={"grant_type": "refresh_token", "refresh_token": "x"}, auth=("ascend", "wrong"))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("address", ["http://[::1", "http://127.0.0.1@evil.example/", "//127.0.0.1/", "javascript:alert(1)", ""])
def test_an_address_that_is_none_is_a_bad_request(crm: httpx2.Client, address: str) -> None:
    """RFC 6749 §4.1.2.1: nobody is sent there, and nothing breaks."""
    answer = crm.get("/oauth/authorize", params={"response_type": "code", "client_id": "ascend", "redirect_uri": address})
    assert (answer.status_code, answer.headers.get("location")) == (400, None)


@pytest.mark.parametrize("basic", ["Basic \xe9", "Basic %ff", "Basic /w==", "Basic OjpbOg"])
def test_client_authentication_that_is_none_is_refused(crm: httpx2.Client, basic: str) -> None:
    """RFC 6749 §5.2: invalid_client."""
    answer = crm.post("/oauth/token", data={"grant_type": "refresh_token"}, headers=[(b"authorization", basic.encode("latin-1"))])
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
