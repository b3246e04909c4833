"""What an upstream says of its own sign-in is a stranger's word: hostile documents end in one refusal."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from oauth.connections.errors import NotDiscoverable, NotRegistered
from oauth.connections.upstream.metadata import MAX_SCOPES, SignIn, discover
from oauth.connections.upstream.registration import MAX_REASON_CHARS, register
from oauth.fetch import Fetched

ORIGIN = "https://notes.example"
URL = f"{ORIGIN}/mcp"
CHALLENGE = f'Bearer resource_metadata="{ORIGIN}/prm"'
RESOURCE = {"resource": URL, "authorization_servers": [ORIGIN], "scopes_supported": ["notes"]}
SERVER = {
    "issuer": ORIGIN,
    "authorization_endpoint": f"{ORIGIN}/authorize",
    "token_endpoint": f"{ORIGIN}/token",
    "registration_endpoint": f"{ORIGIN}/register",
    "code_challenge_methods_supported": ["S256"],
}
DEEP = b'{"a":' * 30_000 + b"1" + b"}" * 30_000


class Stranger:
    """An upstream that answers with these bytes, and remembers which addresses it was asked at."""

    def __init__(self, body_by_url: Mapping[str, bytes] | None = None, challenge: str = CHALLENGE) -> None:
        plain = {f"{ORIGIN}/prm": RESOURCE, f"{ORIGIN}/.well-known/oauth-authorization-server": SERVER}
        self._body_by_url = {url: json.dumps(content).encode() for url, content in plain.items()} | dict(body_by_url or {})
        self._challenge = challenge
        self.asked: list[str] = []

    async def __call__(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, max_bytes: int, timeout_s: float
    ) -> Fetched:
        self.asked.append(url)
        if url == URL:
            return Fetched(401, {"www-authenticate": self._challenge}, b"")
        found = self._body_by_url.get(url)
        return Fetched(200, {}, found) if found is not None else Fetched(404, {}, b"")


async def discovered(resource: Mapping[str, Any] | None = None, server: Mapping[str, Any] | None = None) -> SignIn:
    bodies = {
        f"{ORIGIN}/prm": json.dumps({**RESOURCE, **(resource or {})}).encode(),
        f"{ORIGIN}/.well-known/oauth-authorization-server": json.dumps({**SERVER, **(server or {})}).encode(),
    }
    return await discover(Stranger(bodies), URL)


@pytest.mark.parametrize(
    "challenge",
    [
        f"Bearer resource_metadata={ORIGIN}/prm",
        f'Bearer Resource_Metadata = "{ORIGIN}/prm", Scope="a b"',
        f'Basic realm="x", Bearer error="invalid_token", scope="a b",resource_metadata="{ORIGIN}/prm"',
        f'Bearer error_description="say scope=\\"x\\", please", resource_metadata="{ORIGIN}/prm", scope="a b"',
        f'Bearer realm="resource_metadata=https://evil.test/prm", resource_metadata="{ORIGIN}/prm"',
        f'Bearer resource_metadata="{ORIGIN}/prm", resource_metadata="https://evil.test/prm"',
        f'bearer resource_metadata="{ORIGIN}/prm"' + ", a=b" * 5000,
    ],
)
async def test_a_challenge_is_read_in_every_spelling_that_http_allows(challenge: str) -> None:
    """RFC 9110 §11.2, §11.6.1: tokens and quoted texts, names in any case, several challenges in one field."""
    stranger = Stranger(challenge=challenge)
    found = await discover(stranger, URL)
    assert stranger.asked[1] == f"{ORIGIN}/prm"
    assert found.scopes == (("a", "b") if "a b" in challenge else ("notes",))


async def test_a_plain_upstream_is_understood() -> None:
    """RFC 9728 §3, RFC 8414 §3."""
    found = await discovered()
    assert (found.resource, found.issuer, found.token_url, found.scopes) == (URL, ORIGIN, f"{ORIGIN}/token", ("notes",))


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)", "https:evil", "https://[zz", "https://x/#y", "https://x/a\r\nX: y", "https://bank.example@evil.example/",
        "http://notes.example/a", "https://x/{client_secret}", "https://x/\u202eevil", f"https://x/{'a' * 2_000}", "", 7, ["https://x/"],
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint"])
async def test_an_endpoint_that_is_no_plain_https_address_is_refused(name: str, address: object) -> None:
    """A person's browser and our codes go there."""
    with pytest.raises(NotDiscoverable, match=name):
        await discovered(server={name: address})


@pytest.mark.parametrize(
    "issuer", ["http://notes.example", "https://[zz", "file:///etc/passwd", "https://a@b.example", "https://x/\x1b[31m"]
)
async def test_an_authorization_server_that_is_no_plain_https_address_is_not_even_asked(issuer: str) -> None:
    """RFC 8414 §2: https; who may change what is on the way could name endpoints of their own."""
    stranger = Stranger({f"{ORIGIN}/prm": json.dumps({**RESOURCE, "authorization_servers": [issuer]}).encode()})
    with pytest.raises(NotDiscoverable, match="the authorization server"):
        await discover(stranger, URL)
    assert stranger.asked == [URL, f"{ORIGIN}/prm"]


@pytest.mark.parametrize("resource", ["https:", "https:/", "https://", "https://notes.exampl", "https://bank.example/mcp", "", None])
async def test_tokens_are_asked_for_no_other_resource(resource: object) -> None:
    """RFC 9728 §3.3."""
    with pytest.raises(NotDiscoverable, match="another resource"):
        await discovered({"resource": resource})


async def test_only_scopes_are_asked_for_and_not_without_end() -> None:
    """RFC 6749 §3.3."""
    found = await discovered({"scopes_supported": ["a\nb", "c d", '"', "\ud800", 7, *[f"s{number}" for number in range(1_000)]]})
    assert found.scopes == tuple(f"s{number}" for number in range(MAX_SCOPES))


@pytest.mark.parametrize("where", [f"{ORIGIN}/prm", f"{ORIGIN}/.well-known/oauth-authorization-server"])
async def test_a_document_that_is_nested_without_end_is_none(where: str) -> None:
    """RFC 8259 §9 lets a parser stop; ours does so with an error of its own."""
    with pytest.raises(NotDiscoverable):
        await discover(Stranger({where: DEEP}), URL)


@pytest.mark.parametrize("answer", [DEEP, b'{"client_id":"\\ud800"}', b'{"client_id":"a\\r\\nb"}', b'{"client_id":7}', b"[]"])
async def test_a_registration_that_is_none_is_refused(answer: bytes) -> None:
    """RFC 7591 §3.2.1, RFC 6749 §A.1."""
    stranger = Stranger({f"{ORIGIN}/register": answer})
    with pytest.raises(NotDiscoverable, match="registration"):
        await register(stranger, await discovered(), base_url="http://127.0.0.1:1", tenant_id="acme", provider="notes", title="notes")


class Refusing(Stranger):
    """An upstream whose authorization server refuses each registration with these bytes."""

    def __init__(self, refusal: bytes) -> None:
        super().__init__({f"{ORIGIN}/register": refusal})

    async def __call__(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, max_bytes: int, timeout_s: float
    ) -> Fetched:
        answer = await super().__call__(method, url, headers=headers, body=body, max_bytes=max_bytes, timeout_s=timeout_s)
        return replace(answer, status=400) if url == f"{ORIGIN}/register" else answer


@pytest.mark.parametrize(
    ("refusal", "shown"),
    [
        (b'{"error":"invalid_redirect_uri","error_description":"no loopback"}', "(400 invalid_redirect_uri: no loopback);"),
        (b'{"error":"invalid_redirect_uri","error_description":"\\u202eno\\u001b[31m"}', "(400 invalid_redirect_uri: no[31m);"),
        (json.dumps({"error": "e" * 10_000}).encode(), f"(400 {'e' * MAX_REASON_CHARS});"),
        (b'{"error":7}', "(400);"),
        (b"[]", "(400);"),
    ],
)
async def test_a_refused_registration_says_why_and_how_it_is_made_by_hand(refusal: bytes, shown: str) -> None:
    """RFC 7591 §3.2.2: error and error_description, a stranger's words."""
    sign_in = await discovered()
    with pytest.raises(NotRegistered) as refused:
        await register(Refusing(refusal), sign_in, base_url="http://127.0.0.1:1", tenant_id="acme", provider="notes", title="notes")
    assert f"{ORIGIN} refused the registration {shown}" in str(refused.value)
    assert "register http://127.0.0.1:1/connect/callback/acme/notes there by hand" in str(refused.value)
