"""What the demo CRM remembers over a restart, and what it tells everybody."""

import base64
import hashlib
from pathlib import Path

from starlette.testclient import TestClient

from server.demo.app import build
from server.demo.grants import DemoConsent, Faults, Grants, OAuthClient, OAuthSettings
from server.demo.kept_grants import KeptGrants

SETTINGS = OAuthSettings(OAuthClient("ascend", "s3cret"), reuse_grace_s=3600)
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


def started(folder: Path) -> Grants:
    return Grants(SETTINGS, lambda: 1000.0, Faults(), KeptGrants(folder / "demo-crm.json"))


def connected(grants: Grants) -> dict[str, object]:
    consent = DemoConsent("c", "b", "http://127.0.0.1/cb", frozenset({"crm.read"}), None, CHALLENGE, 2000.0)
    return grants.redeem(grants.allow(consent, "own_3"), "http://127.0.0.1/cb", VERIFIER)


def test_an_account_outlives_a_restart_and_its_tokens_are_not_in_the_file(tmp_path: Path) -> None:
    """Issue 6: nothing is lost; no token in clear text on disk."""
    tokens = connected(started(tmp_path))
    again = started(tmp_path)
    found = again.check(str(tokens["access_token"]))
    assert found is not None
    assert found.owner_id == "own_3"
    assert again.refresh(str(tokens["refresh_token"]))["refresh_token"] != tokens["refresh_token"]
    content = (tmp_path / "demo-crm.json").read_text()
    assert not [token for token in tokens.values() if isinstance(token, str) and token.startswith(("cat_", "crt_")) and token in content]
    assert (tmp_path / "demo-crm.json").stat().st_mode & 0o077 == 0


def test_a_refresh_whose_answer_a_killed_gateway_lost_is_given_again(tmp_path: Path) -> None:
    """A refresh token that was rotated just before the end serves once more, and the chain goes on."""
    tokens = connected(started(tmp_path))
    started(tmp_path).refresh(str(tokens["refresh_token"]))  # the answer is lost with the process
    after = started(tmp_path)
    second = after.refresh(str(tokens["refresh_token"]))
    assert after.refresh(str(second["refresh_token"]))["access_token"]
    assert after.reused == []


def test_a_revoked_account_stays_revoked_and_a_damaged_file_is_an_empty_one(tmp_path: Path) -> None:
    """RFC 7009 §2; a file that cannot be read only means that accounts are connected again."""
    first = started(tmp_path)
    tokens = connected(first)
    first.revoke(str(tokens["refresh_token"]))
    assert started(tmp_path).check(str(tokens["access_token"])) is None
    (tmp_path / "demo-crm.json").write_text('[{"grant_id": 1')
    assert started(tmp_path).all() == []


def test_the_price_list_is_open_while_the_rest_asks_for_consent() -> None:
    """Something to try before any account is connected."""
    crm = TestClient(build(oauth=SETTINGS))
    assert crm.get("/products").json()["results"][0]["name"] == "Annual licence"
    assert crm.get("/contacts").status_code == 401
    paths = crm.get("/openapi.json").json()["paths"]
    assert paths["/products"]["get"]["security"] == []
    assert paths["/contacts"]["get"]["security"] == [{"oauth": ["crm.read"]}]
