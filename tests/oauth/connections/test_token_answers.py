"""A token endpoint's answer is a stranger's word, too: what is odd about it ends in one refusal, or is left out."""

import base64
import json
from contextlib import nullcontext

import pytest

from oauth.connections.connecting.nonce import check_nonce
from oauth.connections.errors import TokenRefused
from oauth.connections.provider import parse
from oauth.connections.upstream.metadata import SignIn
from oauth.connections.upstream.registration import definition_of
from oauth.connections.upstream.registrations import Application
from oauth.connections.upstream.token_answer import Tokens, tokens_of
from oauth.fetch import Fetched

SIGN_IN = SignIn("https://x/mcp", "https://x", "https://x/a", "https://x/t", ())
DEFINITION = definition_of(SIGN_IN, "notes", "Notes", client_auth="body")
APPLICATION = Application(parse(DEFINITION, {}, "notes"), "acme", "client", "")


def given(body: bytes) -> Tokens:
    return tokens_of(APPLICATION, Fetched(200, {}, body), 0.0)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":' * 30_000 + b"1" + b"}" * 30_000,
        b'{"access_token":"\\ud800"}',
        b'{"access_token":"a\\r\\nX: y"}',
        b'{"access_token":""}',
        b"[]",
    ],
    ids=["nested without end", "half a character", "line end", "empty", "list"],
)
def test_what_holds_no_token_is_refused(body: bytes) -> None:
    """RFC 6749 §5.1 and §A.12."""
    with pytest.raises(TokenRefused):
        given(body)


def test_odd_members_beside_a_token_are_left_out() -> None:
    """RFC 6749 §A.14 and §A.17."""
    tokens = given(b'{"access_token":"at","refresh_token":"\\ud800","expires_in":1%b}' % (b"0" * 400))
    assert (tokens.access_token, tokens.refresh_token, tokens.ttl_s) == ("at", None, None)


NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("members", "ttl_s"),
    [
        ({"expires_in": 3600}, 3600), ({"expires_in": "3600"}, 3600), ({"expires_in": 3600.5}, 3600.5), ({"expires_in": "3600.0"}, 3600),
        ({"expires_in": 0}, None), ({"expires_in": -1}, None), ({}, None), ({"expires_in": None}, None), ({"expires_in": True}, None),
        ({"expires_in": "soon"}, None), ({"expires_in": [3600]}, None), ({"expires_in": "NaN"}, None), ({"expires_in": "Infinity"}, None),
        ({"expires_at": NOW + 600}, 600), ({"expires_at": int(NOW) + 600}, 600), ({"expires_at": str(int(NOW) + 600)}, 600),
        ({"expires_at": (NOW + 600) * 1000}, 600), ({"expires_on": str(int(NOW) + 600)}, 600),
        ({"expires_at": "2027-01-15T08:10:00Z"}, 600), ({"expires_at": "2027-01-15 08:10:00"}, 600),
        ({"expires_at": "2027-01-15T09:10:00+01:00"}, 600), ({"expires_at": NOW - 5}, None), ({"expires_at": "tomorrow"}, None),
        ({"expires_in": 100, "expires_at": NOW + 600}, 100), ({"expires_in": 0, "expires_at": NOW + 600}, 600),
        ({"expires_at": True}, None), ({"expires_at": {"at": 1}}, None),
    ],
    ids=str,
)  # fmt: skip
def test_the_life_of_a_token_is_read_however_it_is_written(members: dict[str, object], ttl_s: float | None) -> None:
    """Kind 12: text, fractions, moments; nothing that makes no sense ends a token, and nothing makes one immortal that says its end."""
    body = json.dumps({"access_token": "at", **members}).encode()
    assert tokens_of(APPLICATION, Fetched(200, {}, body), NOW).ttl_s == ttl_s


@pytest.mark.parametrize("claims", [5, "nonce", ["nonce"], None])
def test_an_id_token_without_claims_is_refused(claims: object) -> None:
    """OpenID Connect Core §2: the claims are a JSON object."""
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    tokens = given(json.dumps({"access_token": "at", "id_token": f"e30.{payload}.x"}).encode())
    with pytest.raises(TokenRefused, match="id_token_malformed"):
        check_nonce(tokens, "nonce", was_sent=False)


@pytest.mark.parametrize(
    ("claims", "was_sent", "refused"),
    [
        ({"nonce": "n"}, True, None), ({"nonce": "n"}, False, None), ({}, False, None),
        ({}, True, "id_token_without_nonce"), ({"nonce": "m"}, True, "id_token_nonce"), ({"nonce": None}, True, "id_token_nonce"),
        ({"nonce": "m"}, False, "id_token_nonce"),
    ],
    ids=str,
)  # fmt: skip
def test_an_id_token_carries_the_nonce_that_was_sent(claims: dict[str, object], was_sent: bool, refused: str | None) -> None:
    """OpenID Connect Core §3.1.3.7 step 11: present and equal."""
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    tokens = given(json.dumps({"access_token": "at", "id_token": f"e30.{payload}.x"}).encode())
    with pytest.raises(TokenRefused, match=f"^{refused}$") if refused else nullcontext():
        check_nonce(tokens, "n", was_sent=was_sent)


@pytest.mark.parametrize(
    ("said", "wait_s"), [("7", 7.0), ("Fri, 27 Nov 2026 12:01:00 GMT", 60.0), ("soon", None), ("1795780860", None), ("0", None)]
)
def test_a_refusal_says_when_to_come_again(said: str, wait_s: float | None) -> None:
    """RFC 9110 §10.2.3; nobody means ten years."""
    with pytest.raises(TokenRefused) as refused:
        tokens_of(APPLICATION, Fetched(503, {"retry-after": said}, b"{}"), 1_795_780_800.0)
    assert refused.value.retry_after_s == wait_s
