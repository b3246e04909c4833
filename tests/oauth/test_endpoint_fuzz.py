"""Malformed parameters at every endpoint: never a fault of ours, never the sender's text back unescaped."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tests.examples import examples
from tests.oauth.gateway import CALLBACK, MCP, OAuthGateway, gateway

MARK = '<svg/onload="x7q">'
NAMES = st.sampled_from(
    [
        "client_id", "client_secret", "grant_type", "code", "code_verifier", "redirect_uri", "resource", "scope", "state", "response_type",
        "code_challenge", "code_challenge_method", "prompt", "max_age", "login_hint", "refresh_token", "token", "token_type_hint",
        "client_assertion", "client_assertion_type", "assertion", "device_code", "user_code", "request", "request_uri", "response_mode",
        MARK,
    ]
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(
        [
            "", MARK, f"https://x.example/{MARK}", "code", "S256", "authorization_code", "refresh_token", "client_credentials", "a" * 43,
            "asc_at_" + "a" * 43, "asc_rt_" + "a" * 43, "asc_ac_" + "a" * 43, CALLBACK, MCP, "mcp mcp:read", "none", "login", "0", "-1",
            "https://client.example/doc", "https://127.0.0.1/doc", "urn:ietf:params:oauth:request_uri:x", "\r\nX: y", "%", "é" * 10,
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "eyJhbGciOiJub25lIn0.e30.", "..", "a.b.c", "' OR 1=1 --",
            "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:jwt-bearer", "CLIENT",
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
)  # fmt: skip
FORMS = st.lists(st.tuples(NAMES, VALUES), max_size=12)
POST_PATHS = st.sampled_from(["/token", "/revoke", "/introspect", "/par", "/device_authorization", "/authorize", "/device", "/consent"])
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "authorization": st.sampled_from(["Basic YTpi", "Basic !", "Bearer x", f"Basic {MARK}", "Digest", ""]),
        "origin": st.sampled_from(["null", "https://evil.example"]),
        "cookie": st.sampled_from(["ascend_browser=" + "a" * 43, "ascend_session=x"]),
    },
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20), st.sampled_from([MARK, CALLBACK, "none", "private_key_jwt"])),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=10), inner, max_size=4)),
    max_leaves=10,
)
MEMBERS = st.sampled_from(
    [
        "redirect_uris",
        "client_name",
        "grant_types",
        "jwks",
        "jwks_uri",
        "logo_uri",
        "scope",
        "application_type",
        "token_endpoint_auth_method",
        "response_types",
    ]
)
#: each example starts its own transactions, which is too slow for Hypothesis' default health checks
QUIET = examples(60, suppress_health_check=list(HealthCheck))


class Driver:
    """A gateway that stays open over all examples of a test, on a loop of its own."""

    def __init__(self, folder: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self._manager = gateway(folder)
        self.gate: OAuthGateway = self.loop.run_until_complete(self._manager.__aenter__())
        self.client_id: str = self.loop.run_until_complete(self.gate.register())["client_id"]

    def send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        return self.loop.run_until_complete(self.gate.request(method, path, **options))

    def close(self) -> None:
        self.loop.run_until_complete(self._manager.__aexit__(None, None, None))
        self.loop.close()


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Driver]:
    made = Driver(tmp_path)
    yield made
    made.close()


def is_clean(response: httpx2.Response) -> bool:
    """No 5xx, no markup of the sender's, no trace, nothing sent to a foreign place."""
    text = response.text
    location = response.headers.get("location", "")
    ours = location == "" or location.startswith(("/login?", "/consent?", "/device", CALLBACK, "http://127.0.0.1:"))
    return response.status_code < 500 and MARK not in text and "Traceback" not in text and "x" not in response.headers and ours


def filled(pairs: list[tuple[str, str]], client_id: str) -> str:
    return urlencode([(name, client_id if value == "CLIENT" else value) for name, value in pairs])


@QUIET
@given(path=POST_PATHS, pairs=FORMS, headers=HEADERS)
def test_forms_never_break_an_endpoint(driver: Driver, path: str, pairs: list[tuple[str, str]], headers: dict[str, str]) -> None:
    """issue 3: a fuzz of every endpoint with malformed parameters: no 5xx, no reflection."""
    body = filled(pairs, driver.client_id)
    headers = headers | {"content-type": "application/x-www-form-urlencoded"}
    assert is_clean(driver.send("POST", path, content=body.encode(), headers=headers))


@QUIET
@given(path=st.sampled_from(["/authorize", "/device", "/consent"]), pairs=FORMS, headers=HEADERS)
def test_queries_never_break_an_endpoint(driver: Driver, path: str, pairs: list[tuple[str, str]], headers: dict[str, str]) -> None:
    """issue 3: the same for pages."""
    assert is_clean(driver.send("GET", f"{path}?{filled(pairs, driver.client_id)}", headers=headers))


@QUIET
@given(
    content=st.binary(max_size=200),
    path=POST_PATHS,
    media_type=st.sampled_from(["application/x-www-form-urlencoded", "application/json", "x/y", ""]),
)
def test_bytes_never_break_an_endpoint(driver: Driver, content: bytes, path: str, media_type: str) -> None:
    """issue 3: the same for any bytes."""
    assert is_clean(driver.send("POST", path, content=content, headers={"content-type": media_type}))


@QUIET
@given(members=st.dictionaries(MEMBERS, JSON, max_size=6))
def test_metadata_never_breaks_registration(driver: Driver, members: dict[str, Any]) -> None:
    """issue 3: the same for client metadata; what is stored is answered as JSON."""
    response = driver.send("POST", "/register", json=members)
    assert response.status_code in (201, 400)
    assert response.headers["content-type"] == "application/json"


@QUIET
@given(
    token=st.binary(max_size=100), query=st.text(st.characters(max_codepoint=126, min_codepoint=33, exclude_characters="#"), max_size=60)
)
def test_nothing_but_a_token_opens_the_resource(driver: Driver, token: bytes, query: str) -> None:
    """issue 3: the same for the guard."""
    header = b"Bearer " + token.replace(b"\r", b"").replace(b"\n", b"")
    response = driver.send("POST", f"/mcp?{query}", headers={b"authorization": header})
    assert response.status_code in (400, 401)
