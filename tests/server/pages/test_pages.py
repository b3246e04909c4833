"""What pages are made of: text from outside, scopes in words, static files."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from oauth.authorization.consent_view import scope_words
from server.pages.page import page_headers, plain
from server.pages.scope_list import ScopeLine, scope_lines
from server.pages.static_files import FOLDER
from server.pages.wrapping import breaking_host, whole_words
from tests.server.pages.form_browser import FormBrowser
from tests.server.pages.sign_in_app import SignInApp, running, sign_in_app


@pytest.fixture
def app(tmp_path: Path) -> Iterator[SignInApp]:
    with running(sign_in_app(tmp_path)) as served:
        yield served


def titles(*scopes: str) -> list[tuple[str, tuple[str, ...]]]:
    words = scope_words(lambda _tenant, provider: provider)
    return [(line.title, line.among) for line in scope_lines([words("acme", scope) for scope in scopes])]


def test_scopes_are_listed_by_weight_and_an_umbrella_names_what_it_covers() -> None:
    """Connect first, then read, write, destructive; nothing is told twice and nothing is left out."""
    assert titles("offline_access", "mail:read", "mcp:write", "crm:read", "mcp", "mcp:read") == [
        ("Connect", ()),
        ("Read everywhere", ("crm", "mail")),
        ("Create and change everywhere", ()),
        ("Stay connected", ()),
    ]


def test_scopes_of_a_provider_stand_alone_without_their_umbrella() -> None:
    """A narrow request is shown as narrow as it is."""
    assert titles("mcp", "crm:read", "mcp:destructive") == [("Connect", ()), ("Delete everywhere", ()), ("Read in crm", ())]


def test_a_line_is_a_value() -> None:
    """docs/architecture.md: frozen values between modules."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        ScopeLine("a", "b").title = "c"  # type: ignore[misc]  # which is what must fail


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("localhost:33418", "localhost:33418"),
        ("assistant.my-department.example.com", "assistant.<wbr>my-<wbr>department.<wbr>example.<wbr>com"),
        ("http://127.0.0.1:8080/mcp/acme", "http://<wbr>127.<wbr>0.<wbr>0.<wbr>1:<wbr>8080/<wbr>mcp/<wbr>acme"),
        (f"{'a' * 25}.example", f'<span class="long">{"a" * 25}.<wbr>example</span>'),
        (f"{'a' * 63}.example", f'<span class="longer">{"a" * 63}.<wbr>example</span>'),
        ("<b>" * 9, f'<span class="long">{"&lt;b&gt;" * 9}</span>'),
    ],
)
def test_a_long_host_breaks_between_its_labels(host: str, shown: str) -> None:
    """Finding 3: smaller type where a label alone fills the line."""
    assert breaking_host(host) == shown


def test_a_title_does_not_break_inside_a_word() -> None:
    """Finding 2: `sign-/in`; a very long word may, or the page would be wider than a phone."""
    assert whole_words("This sign-in <b>") == 'This <span class="whole">sign-in</span> &lt;b&gt;'
    assert whole_words("a-" * 30) == "a-" * 30


@pytest.mark.parametrize(("text", "shown"), [("Ada\u202e\u2066 Lovelace\u0000\u200b", "Ada Lovelace"), ("Größe 東京 😀", "Größe 東京 😀")])
def test_text_from_outside_cannot_rearrange_a_page(text: str, shown: str) -> None:
    """C7: control and direction-changing characters go, languages stay."""
    assert plain(text) == shown


def test_only_pages_with_the_passkey_button_may_run_a_script() -> None:
    """The policy is as narrow as the page allows."""
    assert "script-src" not in page_headers()["Content-Security-Policy"]
    assert page_headers(script=True)["Content-Security-Policy"].endswith("script-src 'self'")


def test_static_files_are_cached_for_ever_under_the_name_of_their_content(app: SignInApp) -> None:
    """The address changes with the content, so nobody sees an old stylesheet."""
    with FormBrowser(app.url) as browser:
        for name in (path.name for path in FOLDER.iterdir()):
            current = browser.get(app.pages.static.url(name))
            assert "immutable" in current.headers["cache-control"]
            assert current.headers["x-content-type-options"] == "nosniff"
            plain_address = browser.get(f"/static/{name}")
            assert plain_address.headers["cache-control"] == "no-cache"
            again = browser.client.get(f"/static/{name}", headers={"If-None-Match": current.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["nothing.css", "..%2Fpage.py", "%2e%2e/page.py", "templates/login.html", "%00"])
def test_nothing_but_the_static_files_is_served(app: SignInApp, name: str) -> None:
    """D5: no path leads out of the folder."""
    with FormBrowser(app.url) as browser:
        answer = browser.get(f"/static/{name}")
    assert answer.status_code == 404
    assert "import" not in answer.text


def test_the_front_page_says_how_to_connect(app: SignInApp) -> None:
    """A newcomer copies one line."""
    with FormBrowser(app.url) as browser:
        page = browser.get("/").text
    assert f"claude mcp add --transport http ascend {app.url}/mcp" in page
    for tool in ("discover_apis", "call_api", "batch_execute"):
        assert tool in page
