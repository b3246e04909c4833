"""Hosts and origins are compared by their parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.origins import Callers, parse_origin

LOCAL = Callers("http://127.0.0.1:8080")
PUBLIC = Callers("https://gw.example.com", ("https://Inspector.example.com", "vscode-webview://abc", "http://localhost:6274"))


@pytest.mark.parametrize(
    "origin",
    [
        "http://127.0.0.1:8080.attacker.example",
        "http://localhost:8080@attacker.example",
        "http://localhost:8080/",
        "http://localhost:8080#",
        "http://localhost:99999",
        "http://localhost:80a",
        "http://localhost.attacker.example",
        "http://localhost.",
        "http://[::1].attacker.example",
        "https://localhost:8080",
        "null",
        "",
        "localhost:8080",
        "http://localhost:8080 http://attacker.example",
    ],
)
def test_an_origin_that_only_begins_like_ours_is_not_ours(origin: str) -> None:
    """attacks.md, last row: `http://127.0.0.1:PORT.attacker.example` was taken on loopback."""
    assert not LOCAL.takes_origin(origin.encode())


@given(st.text(st.characters(codec="ascii", exclude_characters="0123456789"), min_size=1, max_size=12))
def test_nothing_may_follow_an_origin_of_ours(rest: str) -> None:
    """Whatever is not a digit of the port makes another origin of it, or none; blanks around a value are no part of it."""
    for start in ("http://127.0.0.1:8080", "http://localhost:1"):
        assert LOCAL.takes_origin(f"{start}{rest}".encode()) == (rest.strip(" \t") == "")
    assert PUBLIC.takes_origin(f"https://gw.example.com{rest}".encode()) == (rest.strip(" \t") in ("", ":"))


def test_every_loopback_name_and_port_is_ours_where_we_are_on_loopback_and_nowhere_else() -> None:
    """Clients on this machine come from any port; from the internet, nobody's machine is ours."""
    for name in ("127.0.0.1", "localhost", "[::1]"):
        assert LOCAL.takes_host(f"{name}:8080".encode())
        assert LOCAL.takes_host(name.upper().encode())
        assert LOCAL.takes_origin(f"http://{name}:3000".encode())
        assert not PUBLIC.takes_host(f"{name}:8080".encode())
        assert not PUBLIC.takes_origin(f"http://{name}:3000".encode())
    assert not LOCAL.takes_host(b"127.0.0.1.evil.example.com")
    assert not LOCAL.takes_host(b"")


def test_allowed_origins_are_taken_exactly() -> None:
    """clients.md, CL29: web pages, editors and desktop applications, each by its whole origin."""
    for origin in ("https://inspector.example.com", "https://inspector.example.com:443", "vscode-webview://abc", "http://localhost:6274"):
        assert PUBLIC.takes_origin(origin.encode())
    for origin in ("https://inspector.example.com:8443", "http://inspector.example.com", "vscode-webview://abcd", "http://localhost:6275"):
        assert not PUBLIC.takes_origin(origin.encode())
    assert PUBLIC.takes_origin(b"https://gw.example.com")


def test_our_origin_is_spelled_as_the_client_spells_it_only_between_names_of_this_machine() -> None:
    """clients.md, CL07."""
    assert LOCAL.base_url_at(b"localhost:8080") == "http://localhost:8080"
    assert LOCAL.base_url_at("[::1]:8080") == "http://[::1]:8080"
    for host in (b"localhost:8081", b"localhost", b"evil.example:8080", b"localhost:8080.evil.example", b"", None):
        assert LOCAL.base_url_at(host) == "http://127.0.0.1:8080"
    assert PUBLIC.base_url_at(b"localhost") == "https://gw.example.com"


def test_a_default_port_is_left_out() -> None:
    """RFC 6454 §6.2: as browsers write it."""
    assert str(parse_origin("https://GW.example.test:443")) == "https://gw.example.test"
    assert str(parse_origin("http://gw.example.test:443")) == "http://gw.example.test:443"
    assert str(parse_origin("http://[::1]:80")) == "http://[::1]"
