"""Rules that hold for every input: redirect URIs, PKCE, scopes."""

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from oauth.authorization.scope_narrowing import STANDING, narrow
from oauth.clients.redirect_uris import REFUSED_SCHEMES, check_registrable, destination, match_any, matches, with_answer
from oauth.errors import OAuthError, RegistrationRefused
from oauth.parameters import parse, parse_form
from oauth.pkce import challenge_of, is_challenge, proves
from oauth.resources import Resources
from oauth.scopes import permits
from oauth.tenants import Tenant, Tenants

LOOPBACK = st.sampled_from(["localhost", "127.0.0.1", "[::1]"])
PORTS = st.one_of(st.none(), st.integers(1, 65535))
PATHS = st.text(string.ascii_letters + string.digits + "/-._~%;?=&", max_size=20).map(lambda text: f"/{text}")
ANYTHING = st.one_of(
    st.text(max_size=60),
    st.builds("{}://{}{}".format, st.sampled_from(["http", "https", "cursor", "javascript"]), st.text(max_size=20), PATHS),
)
VERIFIERS = st.text(string.ascii_letters + string.digits + "-._~", min_size=43, max_size=128)
PROVIDER_SCOPES = st.builds("{}:{}".format, st.sampled_from(["crm", "mail", "files"]), st.sampled_from(["read", "write", "destructive"]))
SCOPES = st.frozensets(st.one_of(PROVIDER_SCOPES, st.sampled_from(sorted(STANDING))))


def at(host: str, port: int | None, path: str) -> str:
    return f"http://{host}{'' if port is None else f':{port}'}{path}"


@given(LOOPBACK, PORTS, PORTS, PATHS)
def test_loopback_uris_match_whatever_the_port(host: str, registered: int | None, requested: int | None, path: str) -> None:
    """RFC 8252 §7.3."""
    assert matches(at(host, registered, path), at(host, requested, path))


@given(LOOPBACK, LOOPBACK, PORTS, PATHS, PATHS)
def test_loopback_uris_match_on_host_and_path_only(host: str, other: str, port: int | None, path: str, other_path: str) -> None:
    """RFC 8252 §7.3: nothing but the port is free."""
    assume((host, path) != (other, other_path))
    assert not matches(at(host, 3333, path), at(other, port, other_path))


@given(ANYTHING, ANYTHING)
def test_everything_else_matches_only_itself(registered: str, requested: str) -> None:
    """RFC 9700 §4.1.3: simple string comparison."""
    assume(registered != requested)
    if matches(registered, requested):
        assert registered.startswith("http://")
        assert destination(registered) == "loopback"


@given(ANYTHING)
def test_what_may_be_registered_is_safe_to_redirect_to(uri: str) -> None:
    """facts/oauth.md §2.6: no fragment, no user information, no line break, no scheme that runs something."""
    try:
        check_registrable(uri)
    except RegistrationRefused:
        return
    assert uri.isascii()
    assert uri.isprintable()
    assert not set(' #\\"<>') & set(uri)
    assert uri.partition(":")[0] not in REFUSED_SCHEMES
    assert "@" not in uri.partition("://")[2].partition("/")[0].partition("?")[0]
    assert match_any([uri], uri)


@given(st.text(max_size=50), st.text(max_size=50))
def test_an_answer_never_breaks_out_of_the_query(state: str, code: str) -> None:
    """oauth-behaviour P20: no header split, nothing added."""
    assume(all(not 0xD800 <= ord(character) < 0xE000 for character in state + code))
    location = with_answer("http://127.0.0.1/cb?keep=1", {"code": code, "state": state, "none": None})
    answer = parse(location.partition("?")[2].encode()) if "\0" not in state + code else None
    assert location.isascii()
    assert not set("\r\n #") & set(location)
    if answer is not None:
        assert (answer.all("code"), answer.all("state"), answer.all("keep"), answer.all("none")) == ((code,), (state,), ("1",), ())


@given(VERIFIERS, VERIFIERS)
def test_a_challenge_is_proven_by_its_verifier_alone(verifier: str, other: str) -> None:
    """RFC 7636 §4.6."""
    assert is_challenge(challenge_of(verifier))
    assert proves(verifier, challenge_of(verifier))
    assert verifier == other or not proves(other, challenge_of(verifier))


@given(st.text(max_size=200))
def test_a_malformed_verifier_proves_nothing(verifier: str) -> None:
    """RFC 7636 §4.1: 43 to 128 unreserved characters."""
    assume(not (43 <= len(verifier) <= 128 and set(verifier) <= set(string.ascii_letters + string.digits + "-._~")))
    challenge = challenge_of(verifier) if verifier.isascii() else "a" * 43
    assert not proves(verifier, challenge)


@given(SCOPES, SCOPES, PROVIDER_SCOPES)
def test_a_narrowed_grant_permits_what_both_sides_permit(asked: frozenset[str], allowed: frozenset[str], needed: str) -> None:
    """issue 3, Scopes: never more than it asked for and the subject may use, and never less."""
    granted = narrow(asked, allowed)
    assert permits(granted, needed) == (permits(asked, needed) and permits(allowed, needed))


@given(SCOPES, SCOPES)
def test_narrowing_twice_is_narrowing_once(asked: frozenset[str], allowed: frozenset[str]) -> None:
    """The refresh grant narrows what was narrowed before."""
    once = narrow(asked, allowed)
    assert narrow(once, allowed) == once
    assert narrow(asked, frozenset()) == frozenset()


@given(st.text(max_size=40))
def test_only_the_resource_itself_is_the_resource(suffix: str) -> None:
    """oauth-behaviour P14."""
    resources = Resources(Tenants([Tenant("default", "Default"), Tenant("acme", "Acme")]), resource_of, "https://gw.example")
    assume(suffix not in ("", "/", "/acme", "/acme/"))
    with pytest.raises(OAuthError):
        resources.resolve([f"https://gw.example/mcp{suffix}"])


def resource_of(tenant_id: str) -> str:
    return "https://gw.example/mcp" if tenant_id == "default" else f"https://gw.example/mcp/{tenant_id}"


@given(st.binary(max_size=200))
def test_any_bytes_are_a_form_or_an_invalid_request(raw: bytes) -> None:
    """oauth-behaviour P26, T16."""
    refusal = None
    try:
        assert not parse_form(raw).duplicates()
    except OAuthError as error:
        refusal = error
    assert refusal is None or (refusal.status, refusal.code) == (400, "invalid_request")
