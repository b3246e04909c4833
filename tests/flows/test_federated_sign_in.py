"""The gateway as a user starts it, with people who sign in by an external OpenID Connect provider set up from the command line."""

import re
from pathlib import Path

import httpx2

from tests.command_line import ascend_here
from tests.flows.gateway_process import running_gateway
from tests.oauth.sign_in.loopback_provider import running_provider
from tests.server.mcp.requests import modern_body, modern_headers
from tests.server.pages.form_browser import FormBrowser
from tests.waiting import until_here


def test_an_operator_sets_a_provider_up_and_its_people_sign_in(tmp_path: Path) -> None:
    """identity-provider add, while the gateway runs; the secret comes from the vault, the request goes through the guarded egress."""
    data_dir = tmp_path / "data"
    with running_provider() as provider:
        allowed = {"ASCEND_EGRESS_ALLOW": f"127.0.0.1:{provider.server.port}"}
        with running_gateway(data_dir, demo=False, extra=allowed) as gateway, FormBrowser(gateway.base_url) as browser:
            assert "Continue with" not in browser.open("/login").text
            arguments = ["identity-provider", "add", "corp", "--issuer", provider.issuer, "--client-id", provider.client_id]
            done = ascend_here(
                *arguments,
                "--title",
                "Corp SSO",
                "--admit",
                "corp.example",
                "--secret-stdin",
                data_dir=data_dir,
                stdin=provider.client_secret,
            )
            assert done.returncode == 0, done.stderr
            assert "/login/callback/default/corp" in done.stdout
            page = wait_for(browser, "Corp SSO")
            away = browser.submit(page, provider="corp")
            back = browser.get(browser.client.get(away.headers["location"]).headers["location"])
            assert back.headers["location"] == "/account", back.text
            assert "grace@corp.example" in browser.open("/account").text
            assert provider.client_secret.encode() not in b"".join(path.read_bytes() for path in data_dir.iterdir() if path.is_file())


def test_a_link_from_the_command_line_signs_in_once(tmp_path: Path) -> None:
    """`ascend user link`, and `ascend user disable` afterwards."""
    data_dir = tmp_path / "data"
    assert ascend_here("user", "add", "ada@example.com", "--tenant", "default", data_dir=data_dir).returncode == 0
    with running_gateway(data_dir, demo=False) as gateway, FormBrowser(gateway.base_url) as browser:
        made = ascend_here("user", "link", "ada@example.com", data_dir=data_dir)
        path = re.search(r"/login/link/\S+", made.stdout)
        assert path is not None, made.stderr
        assert browser.submit(browser.open(path.group())).headers["location"] == "/account"
        assert "ada@example.com" in browser.open("/account").text
        assert ascend_here("user", "disable", "ada@example.com", data_dir=data_dir).returncode == 0
        assert browser.open("/account").url.path == "/login"


def wait_for(browser: FormBrowser, text: str) -> httpx2.Response:
    """Return the sign-in page once it shows `text`: changes arrive within two seconds (contracts.md)."""
    until_here(lambda: text in browser.open("/login").text)
    return browser.open("/login")


def test_what_a_person_may_grant_bounds_their_static_tokens_too(tmp_path: Path) -> None:
    """`ascend user limit` and `disable`, while the gateway runs: a token that is good until an end date does not outlive its person."""
    data_dir, ada = tmp_path / "data", ("--tenant", "default", "--user", "ada@example.com")
    ascend_here("user", "add", "ada@example.com", "--tenant", "default", data_dir=data_dir)
    ascend_here("tenant", "set", "default", "--static-tokens-until", "2999-12-31", data_dir=data_dir)
    with running_gateway(data_dir, demo=False) as gateway, httpx2.Client(timeout=20) as http:
        minted = ascend_here("token", "static", "mint", "ci", *ada, "--scope", "mcp mcp:read mcp:write", data_dir=data_dir)
        headers = {**modern_headers("tools/call", "call_api"), "authorization": f"Bearer {minted.stdout.strip()}"}
        body = modern_body("tools/call", {"name": "call_api", "arguments": {"api": "gateway.account.whoami"}})

        def scopes() -> str:
            response = http.post(gateway.mcp_url, headers=headers, json=body)
            if response.status_code != 200:
                return str(response.status_code)
            return " ".join(response.json()["result"]["structuredContent"]["data"]["scopes"])

        assert scopes() == "mcp mcp:read mcp:write"
        ascend_here("user", "limit", "ada@example.com", "--scope", "mcp:read", data_dir=data_dir)
        until_here(lambda: scopes() == "mcp mcp:read")
        ascend_here("user", "disable", "ada@example.com", data_dir=data_dir)
        until_here(lambda: scopes() == "401")
