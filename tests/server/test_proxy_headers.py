"""Who the caller is behind a proxy, who may read /metrics, and what an operator is told."""

import logging
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from server.cli import ascend
from server.commands.doctor import proxies_finding, settings_finding
from server.config.errors import SettingsError
from server.config.load import load
from server.config.served_at import remember_served
from server.networks import Networks, is_loopback
from server.observability.health import Health, MetricsReaders
from server.observability.telemetry import Telemetry
from server.plain_http import danger, remember_listening
from server.proxy_headers import MAX_TOLD, ProxyHeaders, caller_address, forget_untrusted, is_forwarded, untrusted_proxies

PROXY, CALLER = "10.0.0.5", "203.0.113.9"


async def who(request: Request) -> Response:
    assert request.client is not None
    return PlainTextResponse(f"{request.client.host} {caller_address(request.scope)} {is_forwarded(request.scope)}")


def asked(folder: Path, headers: dict[str, str], peer: str = PROXY, trusted: tuple[str, ...] = ("10.0.0.0/8",)) -> str:
    app = ProxyHeaders(Starlette(routes=[Route("/", who)]), Networks(trusted), folder)
    return TestClient(app, client=(peer, 1)).get("/", headers=headers).text


@pytest.mark.parametrize(
    ("said", "caller"),
    [
        (CALLER, CALLER),
        (f"1.1.1.1, {CALLER}", CALLER),
        (f"{CALLER}, 10.9.9.9", CALLER),
        (f"{CALLER}:4711", CALLER),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("2001:db8::7", "2001:db8::7"),
        ("10.1.1.1, 10.2.2.2", "10.1.1.1"),
        (f"nonsense, {CALLER}", CALLER),
    ],
)
def test_a_trusted_proxy_says_who_calls(tmp_path: Path, said: str, caller: str) -> None:
    """The last address that no trusted proxy has: what stands before it was written by the caller."""
    assert asked(tmp_path, {"x-forwarded-for": said}) == f"{caller} {caller} True"


@pytest.mark.parametrize(
    ("said", "caller"),
    [
        ("8.8.8.8", "8.8.8.8"),
        ("10.0.0.1, 8.8.8.8", "8.8.8.8"),
        ("1.1.1.1, 8.8.8.8", "8.8.8.8"),
        ("1.1.1.1, 8.8.8.8, 10.0.0.9", "8.8.8.8"),
        ("127.0.0.1, 8.8.8.8", "8.8.8.8"),
        ("10.0.0.1, 10.0.0.2", "10.0.0.2"),
        ("unknown, 10.0.0.2", None),
        ("8.8.8.8, unknown", None),
    ],
)
def test_who_trusts_everybody_believes_no_address_that_a_caller_wrote(tmp_path: Path, said: str, caller: str | None) -> None:
    """`FORWARDED_ALLOW_IPS=*` is what containers are often given: each guess at a password would come from another address."""
    peer, shown = ("10.0.0.5", caller) if caller else ("10.0.0.5", "10.0.0.5")
    assert asked(tmp_path, {"x-forwarded-for": said}, peer, ("*",)) == f"{shown} {caller} True"


@pytest.mark.parametrize(
    "headers", [{"x-forwarded-for": "unknown"}, {"x-forwarded-for": ""}, {"via": "1.1 edge"}, {"x-forwarded-proto": "https"}]
)
def test_a_trusted_proxy_that_names_nobody_is_not_the_caller_itself(tmp_path: Path, headers: dict[str, str]) -> None:
    assert asked(tmp_path, headers) == f"{PROXY} None True"


def test_a_peer_in_ipv6_clothes_is_the_same_peer(tmp_path: Path) -> None:
    """A socket that listens on `::` shows IPv4 peers as ::ffff:10.0.0.5."""
    assert asked(tmp_path, {"x-forwarded-for": CALLER}, peer=f"::ffff:{PROXY}") == f"{CALLER} {CALLER} True"


@given(st.text(max_size=80).map(lambda text: text.encode("utf-8")))
def test_no_forwarded_header_is_a_fault_of_ours(said: bytes) -> None:
    """Whatever a caller writes into it; the address is one, or nobody's."""
    app = ProxyHeaders(Starlette(), Networks(("*",)), Path())
    found = app._of_the_caller({"type": "http", "client": (PROXY, 1), "headers": [(b"x-forwarded-for", said)]})
    assert caller_address(found) is None or is_loopback(caller_address(found)) in (True, False)


def test_a_proxy_that_is_not_trusted_is_told_once_with_what_to_set(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """attacks.md: no guide, doctor or log names the setting, and one attacker closes sign-in for all."""
    app = ProxyHeaders(Starlette(routes=[Route("/", who)]), Networks(("127.0.0.1",)), tmp_path)
    with caplog.at_level(logging.WARNING, "ascend"):
        for _ in range(3):
            assert TestClient(app, client=(PROXY, 1)).get("/", headers={"x-forwarded-for": CALLER}).text == f"{PROXY} None True"
        assert TestClient(app, client=(CALLER, 1)).get("/").text == f"{CALLER} {CALLER} False"
    [line] = [record for record in caplog.records if record.message == "proxy_not_trusted"]
    facts: dict[str, Any] = vars(line)["facts"]
    assert (facts["address"], f"ASCEND_TRUSTED_PROXIES to {PROXY}" in facts["way_out"]) == (PROXY, True)
    assert untrusted_proxies(tmp_path) == [PROXY]
    settings = load(tmp_path, {})
    assert f"ASCEND_TRUSTED_PROXIES={PROXY}" in proxies_finding(settings).advice
    forget_untrusted(tmp_path)
    assert proxies_finding(settings).advice == ""


def test_strangers_who_write_such_headers_do_not_fill_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = ProxyHeaders(Starlette(routes=[Route("/", who)]), Networks(()), tmp_path)
    for number in range(50):
        TestClient(app, client=(f"192.0.2.{number}", 1)).get("/", headers={"x-forwarded-for": "1.1.1.1"})
    assert [record.message for record in caplog.records].count("proxy_not_trusted") == MAX_TOLD


def test_the_setting_of_other_servers_is_read_and_ours_comes_first(tmp_path: Path) -> None:
    assert load(tmp_path, {}).origin.trusted_proxies == ("127.0.0.0/8", "::1")
    assert load(tmp_path, {"FORWARDED_ALLOW_IPS": "10.0.0.5, 10.1.0.0/16"}).origin.trusted_proxies == ("10.0.0.5", "10.1.0.0/16")
    both = {"FORWARDED_ALLOW_IPS": "*", "ASCEND_TRUSTED_PROXIES": "10.0.0.5"}
    assert load(tmp_path, both).origin.trusted_proxies == ("10.0.0.5",)
    (tmp_path / "ascend.toml").write_text('trusted_proxies = ["10.0.0.7"]\nadmin_allow = ["10.0.0.0/8"]\n')
    assert load(tmp_path, {}).origin.trusted_proxies == ("10.0.0.7",)


@pytest.mark.parametrize("name", ["ASCEND_TRUSTED_PROXIES", "ASCEND_ADMIN_ALLOW"])
@pytest.mark.parametrize("value", ["nginx", "10.0.0.0/99", "10.0.0.5;10.0.0.6", "10.0.0.5:80"])
def test_what_is_no_address_is_refused_at_the_start(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"{name}: .*give addresses and networks"):
        load(tmp_path, {name: value})


def scraped(
    folder: Path, headers: dict[str, str], peer: str = "127.0.0.1", *, base_url: str = "https://gateway.example.com", **variables: str
) -> int:
    """Return the status of /metrics."""
    settings = load(folder, {"ASCEND_BASE_URL": base_url, **variables})
    routes = Health(Telemetry(), {}, MetricsReaders(settings)).routes()
    app = ProxyHeaders(Starlette(routes=[*routes]), Networks(settings.origin.trusted_proxies), folder)
    response = TestClient(app, client=(peer, 1)).get("/metrics", headers={"host": "127.0.0.1:8080"} | headers)
    assert response.status_code == 200 or "ASCEND_METRICS_TOKEN" in response.json()["error_description"]
    return response.status_code


TOKEN = {"authorization": "Bearer scrape-me"}


@pytest.mark.parametrize(
    ("expected", "headers", "peer", "variables"),
    [
        # this machine itself
        (200, {}, "127.0.0.1", {}),
        (200, {}, "::1", {}),
        # everybody else
        (403, {}, CALLER, {}),
        (403, TOKEN, CALLER, {}),
        # what comes through a proxy here is not this machine: trusted or not, saying so or not
        (403, {"x-forwarded-for": CALLER}, "127.0.0.1", {}),
        (403, {"x-forwarded-for": CALLER}, "127.0.0.1", {"ASCEND_TRUSTED_PROXIES": "10.0.0.5"}),
        (403, {"x-forwarded-for": "127.0.0.1"}, "127.0.0.1", {}),
        (403, {"x-forwarded-for": "127.0.0.1"}, CALLER, {}),
        (403, {"forwarded": "for=203.0.113.9"}, "127.0.0.1", {}),
        (403, {"host": "gateway.example.com"}, "127.0.0.1", {}),
        (403, {"host": "localhost.evil.test"}, "127.0.0.1", {}),
        (403, {"host": "[12]"}, "127.0.0.1", {}),
        (403, {"host": ""}, "127.0.0.1", {}),
        (200, {"host": "[::1]:8080"}, "127.0.0.1", {}),
        (403, {"x-forwarded-for": ""}, "127.0.0.1", {}),
        (403, {"x-real-ip": "127.0.0.1"}, "127.0.0.1", {}),
        (403, {"via": "1.1 edge"}, "::1", {}),
        (403, {"x-forwarded-for": "127.0.0.1, ::1"}, "127.0.0.1", {"ASCEND_TRUSTED_PROXIES": "*"}),
        (403, {"x-forwarded-for": "10.0.0.1, 8.8.8.8"}, PROXY, {"ASCEND_TRUSTED_PROXIES": "*", "ASCEND_ADMIN_ALLOW": "10.0.0.0/8"}),
        # the operator's networks, judged by the caller and not by the proxy
        (200, {}, PROXY, {"ASCEND_ADMIN_ALLOW": "192.168.0.1, 10.0.0.0/8"}),
        (403, {}, CALLER, {"ASCEND_ADMIN_ALLOW": "10.0.0.0/8"}),
        (403, {"x-forwarded-for": CALLER}, PROXY, {"ASCEND_ADMIN_ALLOW": "10.0.0.0/8"}),
        (200, {"x-forwarded-for": CALLER}, PROXY, {"ASCEND_ADMIN_ALLOW": CALLER, "ASCEND_TRUSTED_PROXIES": PROXY}),
        (403, {"x-forwarded-for": f"{CALLER}, 1.1.1.1"}, PROXY, {"ASCEND_ADMIN_ALLOW": CALLER, "ASCEND_TRUSTED_PROXIES": PROXY}),
        # the token, from anywhere
        (200, TOKEN, CALLER, {"ASCEND_METRICS_TOKEN": "scrape-me"}),
        (200, {"authorization": "bearer  scrape-me"}, CALLER, {"ASCEND_METRICS_TOKEN": "scrape-me"}),
        (403, {"authorization": "Bearer scrape-m"}, CALLER, {"ASCEND_METRICS_TOKEN": "scrape-me"}),
        (403, {"authorization": "Basic scrape-me"}, CALLER, {"ASCEND_METRICS_TOKEN": "scrape-me"}),
        (403, {"authorization": "Bearer "}, CALLER, {}),
    ],
)
def test_metrics_are_for_this_machine_the_operators_addresses_and_the_token(
    tmp_path: Path, expected: int, headers: dict[str, str], peer: str, variables: dict[str, str]
) -> None:
    """contracts.md, last line; attacks.md: /metrics answers everybody."""
    assert scraped(tmp_path, headers, peer, **variables) == expected


def test_a_gateway_without_a_public_origin_answers_its_own_machine_by_any_of_its_names(tmp_path: Path) -> None:
    """And by no other: a web page whose name was made to mean this machine reads no metrics (DNS rebinding)."""
    for host, status in (("localhost:8080", 200), ("127.0.0.1:9090", 200), ("[::1]", 200), ("evil.test:8080", 403), ("[12]:8080", 403)):
        assert scraped(tmp_path, {"host": host}, base_url="http://127.0.0.1:8080") == status


@pytest.mark.parametrize(
    ("base_url", "host", "is_known", "warns"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1", False, False),
        ("http://127.0.0.1:8080", "::1", False, False),
        ("http://127.0.0.1:8080", "localhost", False, False),
        ("http://127.0.0.1:8080", "0.0.0.0", False, True),
        ("http://127.0.0.1:8080", "::", False, True),
        ("http://127.0.0.1:8080", "", False, True),
        ("http://127.0.0.1:8080", "0.0.0.0", True, False),
        ("https://gateway.example.com", "0.0.0.0", False, False),
    ],
)
def test_sign_in_in_the_clear_is_said_at_the_start_and_by_the_doctor(
    tmp_path: Path, base_url: str, host: str, is_known: bool, warns: bool
) -> None:
    """attacks.md: `--host 0.0.0.0` serves sign-in in the clear on all addresses without a word."""
    settings = load(tmp_path, {"ASCEND_BASE_URL": base_url, "ASCEND_INSECURE_HTTP": "1" if is_known else ""})
    said = danger(settings, host)
    assert (said is not None) == warns
    if said is not None:
        assert all(way in said for way in ("--base-url https://", "--host 127.0.0.1", "--insecure-http"))
    remember_listening(tmp_path, host)
    assert settings_finding(settings).advice == (said or "")


def test_an_http_origin_off_this_machine_needs_the_same_word(tmp_path: Path) -> None:
    """The refusal of `--host 192.168.1.5` names the option that lets it through; commands beside it need it no more."""
    with pytest.raises(SettingsError, match=r"--insecure-http"):
        load(tmp_path, {"ASCEND_BASE_URL": "http://192.168.1.5:8080"})
    settings = load(tmp_path, {"ASCEND_INSECURE_HTTP": "1"}).at("http://192.168.1.5:8080")
    assert danger(settings, "192.168.1.5") is None
    remember_served(settings)
    assert load(tmp_path, {}).base_url == "http://192.168.1.5:8080"
    shown = CliRunner().invoke(ascend, ["serve", "--help"]).output
    assert "--insecure-http" in shown
