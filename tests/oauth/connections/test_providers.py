"""The files of the providers: they fit the schema, and say what the code relies on."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from oauth.connections.errors import ProviderInvalid, TokenRefused
from oauth.connections.provider import FOLDER, Provider, known_definitions, parse
from oauth.connections.upstream.registrations import Application
from oauth.connections.upstream.token_answer import Tokens
from oauth.connections.upstream.token_endpoint import ProviderTokenEndpoint
from oauth.errors import FetchRefused
from oauth.fetch import Fetched

NAMES = sorted(known_definitions())
VENDORS = [name for name in NAMES if known_definitions()[name]["auth"] == "oauth2" and name != "oauth2"]


def provider(name: str, **inputs: str) -> Provider:
    return parse(known_definitions()[name], inputs, name)


def test_the_providers_of_the_issue_are_there() -> None:
    """Issue 6."""
    wanted = "hubspot salesforce google github slack notion atlassian linear microsoft stripe zoom dropbox airtable asana"
    assert set(wanted.split()) == set(VENDORS)
    assert all((FOLDER / f"{name}.yaml").is_file() for name in NAMES)


@pytest.mark.parametrize("name", VENDORS)
def test_a_provider_names_its_sources_and_leaves_no_gap(name: str) -> None:
    """Issue 6: written from the vendors' documentation, with its address in the file."""
    found = provider(name)
    assert found.docs
    assert found.notes
    assert all(url.startswith("https://") for url in (*found.docs, found.authorize_url, found.token_url))
    assert found.scope_words or not found.default_scopes
    assert set(found.default_scopes) <= set(found.scope_words), "scopes that are asked for are said in words"


@pytest.mark.parametrize("name", VENDORS)
def test_a_token_that_rotates_has_a_life(name: str) -> None:
    """facts/oauth.md §3.3 step 1: without expires_in and a default nothing would ever be refreshed."""
    found = provider(name)
    assert found.access_token_ttl_s is not None or name in ("github", "slack")


@pytest.mark.parametrize(
    ("change", "place"),
    [({"pkce": "plain"}, "pkce"), ({"colour": "red"}, "the file"), ({"token_url": "ftp://x"}, "token_url"), ({"refresh": {}}, "refresh")],
)
def test_a_file_that_does_not_fit_is_refused_with_its_place(change: Mapping[str, Any], place: str) -> None:
    """Issue 6: a JSON Schema checks them."""
    with pytest.raises(ProviderInvalid, match=place):
        parse({**known_definitions()["hubspot"], **change}, {}, "my.yaml")


def test_an_address_that_waits_for_what_nobody_gives_is_refused() -> None:
    """A file of one's own with {shop} in its address and no such input; only the installation is known later."""
    broken = {**known_definitions()["hubspot"], "token_url": "https://{shop}.example/token"}
    with pytest.raises(ProviderInvalid, match="waits for 'shop'"):
        parse(broken, {}, "my.yaml")
    assert "{installation_id}" in provider("github_app").token_url


def test_a_path_that_is_not_jmespath_is_refused() -> None:
    """Wrong at registration, not at the first account."""
    broken = {**known_definitions()["hubspot"], "account": {"id": "me.[", "title": "me"}}
    with pytest.raises(ProviderInvalid, match="JMESPath"):
        parse(broken, {}, "my.yaml")


@pytest.mark.parametrize(
    "host", ["evil.example", "login.salesforce.com.evil.example", "x@login.salesforce.com", "a.my.salesforce.com/x", "LOGIN.salesforce.com"]
)
def test_an_input_cannot_lead_elsewhere(host: str) -> None:
    """The registration fills addresses in; only the provider's own hosts fit."""
    with pytest.raises(ProviderInvalid, match="does not match"):
        provider("salesforce", login_host=host)
    assert provider("salesforce", login_host="acme--dev.sandbox.my.salesforce.com").token_url.startswith("https://acme--dev.sandbox")


@pytest.mark.parametrize(
    ("instance_url", "base"),
    [
        ("https://acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("https://acme.my.salesforce.com.evil.example", ""),
        ("https://evil.example#.my.salesforce.com", ""),
        ("https://x@acme.my.salesforce.com", ""),
        ("http://acme.my.salesforce.com", ""),
        (["https://acme.my.salesforce.com"], ""),
    ],
)
def test_an_api_base_is_taken_from_the_providers_own_hosts_only(instance_url: object, base: str) -> None:
    """The token goes wherever this points."""
    assert provider("salesforce").api_base_of({"instance_url": instance_url}) == base


def test_an_api_base_without_tls_is_believed_of_a_token_endpoint_without() -> None:
    """Which is on this machine: a stand-in."""
    local = {**known_definitions()["salesforce"], "token_url": "http://127.0.0.1:8090/token"}
    local["api_base"] = {"from": "instance_url", "host_pattern": r"127\.0\.0\.1"}
    assert parse(local, {}, "my.yaml").api_base_of({"instance_url": "http://127.0.0.1:8090"}) == "http://127.0.0.1:8090"


class Wire:
    """A provider that answers as its documentation says, and keeps what it was sent."""

    def __init__(self, *answers: tuple[int, object]) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[str, str, Mapping[str, str], str]] = []

    async def __call__(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, max_bytes: int, timeout_s: float
    ) -> Fetched:
        self.sent.append((method, url, headers, (body or b"").decode()))
        status, content = self.answers.pop(0)
        if content is None:
            raise FetchRefused("no route to 10.0.0.1")
        return Fetched(status, {"retry-after": "7"}, content.encode() if isinstance(content, str) else json.dumps(content).encode())


def application(name: str) -> Application:
    return Application(provider(name), "", "id", "secret")


async def exchange(name: str, answer: object, status: int = 200) -> tuple[Tokens, Wire]:
    wire = Wire((status, answer))
    return await ProviderTokenEndpoint(wire).exchange(application(name), "code", "verifier", "https://gw.example/cb"), wire


SLACK = {
    "ok": True,
    "access_token": "xoxb-bot",
    "authed_user": {
        "id": "U1",
        "access_token": "xoxe.xoxp-1",
        "refresh_token": "xoxe-1",
        "expires_in": 43200,
        "scope": "users:read,chat:write",
    },
    "team": {"id": "T1", "name": "Acme"},
}


async def test_slack_acts_as_the_person_and_splits_scopes_by_comma() -> None:
    """docs.slack.dev, oauth.v2.access: the user's token is nested, scopes are separated by commas, the client by Basic."""
    tokens, wire = await exchange("slack", SLACK)
    assert (tokens.access_token, tokens.refresh_token, tokens.ttl_s) == ("xoxe.xoxp-1", "xoxe-1", 43200)
    assert tokens.scopes == frozenset({"users:read", "chat:write"})
    assert wire.sent[0][2]["Authorization"].startswith("Basic ")
    refreshed = {"ok": True, "access_token": "xoxe.xoxp-2", "refresh_token": "xoxe-2", "expires_in": 43200}
    again = await ProviderTokenEndpoint(Wire((200, refreshed))).refresh(application("slack"), "xoxe-1")
    assert (again.access_token, again.refresh_token) == ("xoxe.xoxp-2", "xoxe-2")


@pytest.mark.parametrize(
    ("name", "status", "answer", "kind"),
    [
        ("slack", 200, {"ok": False, "error": "invalid_refresh_token"}, "terminal"),
        ("slack", 200, {"ok": False, "error": "bad_client_secret"}, "registration"),
        ("github", 200, {"error": "bad_refresh_token"}, "terminal"),
        ("github", 200, "error=incorrect_client_credentials&error_description=x", "registration"),
        ("google", 400, {"error": "invalid_grant"}, "terminal"),
        ("google", 401, {"error": "invalid_client"}, "registration"),
        ("hubspot", 400, {"status": "BAD_REFRESH_TOKEN", "message": "…"}, "terminal"),
        ("atlassian", 403, {"error": "unauthorized_client", "error_description": "refresh_token is invalid"}, "terminal"),
        ("notion", 503, "<html>", "passing"),
        ("zoom", 429, {}, "passing"),
        ("linear", 200, {"access_token": 7}, "passing"),
        ("asana", 200, "[]", "passing"),
        ("airtable", 200, None, "passing"),
    ],
)
async def test_errors_are_told_apart_as_each_vendor_says_them(name: str, status: int, answer: object, kind: str) -> None:
    """facts/oauth.md §3.3 step 6 and §3.5: also those that come with status 200."""
    with pytest.raises(TokenRefused) as refused:
        await ProviderTokenEndpoint(Wire((status, answer))).refresh(application(name), "rt")
    found = "terminal" if refused.value.is_terminal else "registration" if refused.value.is_registration else "passing"
    assert found == kind
    assert re.fullmatch(r"[\w-]{1,64}", refused.value.code)
    assert "10.0.0.1" not in str(refused.value)


async def test_requests_are_written_as_each_vendor_wants_them() -> None:
    """Body, header and JSON client authentication; PKCE where it is known."""
    bodies = {}
    for name in ("notion", "hubspot", "stripe", "atlassian"):
        _, wire = await exchange(name, {"access_token": "at", "expires_in": 3600})
        bodies[name] = (wire.sent[0][2].get("Authorization", "")[:6], wire.sent[0][3])
    assert bodies["notion"][0] == "Basic "
    assert json.loads(bodies["notion"][1])["redirect_uri"] == "https://gw.example/cb"
    assert "code_verifier" not in bodies["notion"][1]
    assert bodies["hubspot"][0] == ""
    assert "client_secret=secret" in bodies["hubspot"][1]
    assert "code_verifier=verifier" in bodies["hubspot"][1]
    assert (bodies["stripe"][0], "secret" in bodies["stripe"][1]) == ("Basic ", False)
    assert json.loads(bodies["atlassian"][1])["client_secret"] == "secret"


@pytest.mark.parametrize(
    ("name", "token", "me", "expected"),
    [
        ("google", {}, {"sub": "1", "email": "ada@x.example"}, ("1", "ada@x.example")),
        ("github", {}, {"id": 583231, "login": "octocat"}, ("583231", "octocat")),
        (
            "salesforce",
            {},
            {"organization_id": "00D", "user_id": "005", "name": "Ada", "preferred_username": "a@x"},
            ("00D:005", "Ada, a@x"),
        ),
        ("hubspot", {"hub_id": 42}, {"hub_id": 42, "hub_domain": "acme.com", "user": "ada@acme.com"}, ("42", "acme.com, ada@acme.com")),
        ("slack", {}, {"ok": True, "user": "ada", "team": "Acme", "user_id": "U1", "team_id": "T1"}, ("T1:U1", "ada in Acme")),
        (
            "notion",
            {"workspace_id": "w", "workspace_name": "Acme", "owner": {"user": {"id": "u", "name": "Ada"}}},
            None,
            ("w:u", "Acme, Ada"),
        ),
        (
            "linear",
            {},
            {"data": {"viewer": {"id": "v", "email": "a@x"}, "organization": {"id": "o", "name": "Acme"}}},
            ("o:v", "Acme, a@x"),
        ),
        ("stripe", {"stripe_user_id": "acct_1"}, None, ("acct_1", "acct_1")),
        ("asana", {}, {"data": {"gid": "12", "email": "a@x"}}, ("12", "a@x")),
    ],
)
async def test_the_account_is_named_by_what_the_vendor_answers(
    name: str, token: Mapping[str, Any], me: object, expected: tuple[str, str]
) -> None:
    """Issue 6: account identity call."""
    wire = Wire((200, me))
    tokens = Tokens("at", None, None, None, "", token)
    account = await ProviderTokenEndpoint(wire).account(application(name), tokens)
    assert (account.external_id, account.title) == expected
    assert all("Bearer at" in sent[2].get("Authorization", "") or "token=at" in sent[3] for sent in wire.sent)


async def test_an_account_without_a_name_is_refused() -> None:
    """Two accounts without an id would be taken for one."""
    answers: tuple[object, ...] = ({}, {"sub": None}, [], "nonsense")
    for answer in answers:
        with pytest.raises(TokenRefused, match="no_account_id"):
            await ProviderTokenEndpoint(Wire((200, answer))).account(application("google"), Tokens("at", None, None, None, "", {}))


@pytest.mark.parametrize(
    ("name", "method", "host", "part", "proof"),
    [
        ("hubspot", "POST", "api.hubapi.com/oauth/2026-03/token/revoke", "token=rt&token_type_hint=refresh_token", ""),
        ("salesforce", "POST", "login.salesforce.com/services/oauth2/revoke", "token=rt", ""),
        ("google", "POST", "oauth2.googleapis.com/revoke", "token=rt", ""),
        ("github", "DELETE", "api.github.com/applications/id/grant", '"access_token": "at"', "Basic "),
        ("slack", "POST", "slack.com/api/auth.revoke", "", "Bearer at"),
        ("notion", "POST", "api.notion.com/v1/oauth/revoke", '"token": "at"', "Basic "),
        ("linear", "POST", "api.linear.app/oauth/revoke", "token=rt", ""),
        ("zoom", "POST", "zoom.us/oauth/revoke", "token=at", "Basic "),
        ("dropbox", "POST", "api.dropboxapi.com/2/auth/token/revoke", "", "Bearer at"),
        ("asana", "POST", "app.asana.com/-/oauth_revoke", "token=rt", ""),
        ("airtable", "POST", "airtable.com/oauth2/v1/revoke", "token=rt", "Basic "),
        ("atlassian", "POST", "auth.atlassian.com/oauth/revoke", '"token": "rt"', ""),
        ("stripe", "POST", "connect.stripe.com/oauth/deauthorize", "client_id=id&stripe_user_id=acct_1", "Basic "),
    ],
)
async def test_a_grant_is_ended_as_each_vendor_wants_it(name: str, method: str, host: str, part: str, proof: str) -> None:
    """RFC 7009 and its variations; a yes is believed only where the vendor documents it."""
    wire = Wire((200, {"ok": True} if name == "slack" else {}))
    found = provider(name)
    assert found.revocation
    assert await ProviderTokenEndpoint(wire).revoke(application(name), "at", "rt", "acct_1") is not found.revocation.best_effort
    sent_method, url, headers, body = wire.sent[0]
    assert (sent_method, url) == (method, f"https://{host}")
    assert part in body
    assert headers.get("Authorization", "").startswith(proof)
    assert "secret" in body or headers.get("Authorization", "")[:6] in ("Basic ", "Bearer")


@pytest.mark.parametrize("name", VENDORS)
def test_a_vendor_that_cannot_end_a_grant_for_certain_has_a_page_where_a_person_does(name: str) -> None:
    """Issue 6, disconnect: revoking upstream, or saying honestly where to remove it."""
    found = provider(name)
    is_certain = found.revocation is not None and not found.revocation.best_effort
    assert is_certain or found.remove_at.startswith("https://")


async def test_a_refusal_with_status_200_is_no_revocation() -> None:
    """docs.slack.dev, auth.revoke: ok=false."""
    assert not await ProviderTokenEndpoint(Wire((200, {"ok": False, "error": "invalid_auth"}))).revoke(application("slack"), "at", "rt")


async def test_a_provider_without_revocation_or_without_an_answer_says_no() -> None:
    """Disconnecting works here whatever the provider does."""
    assert not await ProviderTokenEndpoint(Wire()).revoke(application("microsoft"), "at", "rt")
    assert not await ProviderTokenEndpoint(Wire((200, None))).revoke(application("google"), "at", "rt")
    assert not await ProviderTokenEndpoint(Wire((500, {}))).revoke(application("google"), "at", "rt")
