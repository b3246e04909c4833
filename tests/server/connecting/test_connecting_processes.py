"""Connecting with a real gateway process and the demo CRM as provider: the newcomer's way, and kill -9 in the middle of it."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2
import yaml

from server.demo.app import build
from server.demo.grants import Faults, OAuthClient, OAuthSettings
from server.demo.provider import definition
from tests.command_line import ascend_here
from tests.flows.gateway_process import RunningGateway, running_gateway
from tests.flows.person import FormReader
from tests.ports import free_port
from tests.server.demo.listening import listening
from tests.server.mcp.requests import modern_body, modern_headers
from tests.waiting import until_here

EMAIL, PASSWORD = "ada@example.com", "correct-horse-battery"


def told(gateway: RunningGateway, token: str, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Call one tool and return its structured content."""
    headers = {**modern_headers("tools/call", name), "authorization": f"Bearer {token}"}
    body = modern_body("tools/call", {"name": name, "arguments": arguments})
    answered = httpx2.post(gateway.mcp_url, headers=headers, json=body, timeout=20).json()
    content: dict[str, Any] = answered["result"]["structuredContent"]
    return content


def walk(browser: httpx2.Client, url: str, stop: Callable[[str], bool], email: str = EMAIL, password: str = PASSWORD) -> str:
    """Open `url`, sign in, allow; return the first address that `stop` wants, or the last page."""
    response = browser.get(url)
    for _ in range(12):
        if response.is_redirect:
            target = urljoin(str(response.url), response.headers["location"])
            if stop(target):
                return target
            response = browser.get(target)
            continue
        assert response.status_code == 200, response.text
        if "<h1>Connected</h1>" in response.text:
            return response.text
        reader = FormReader()
        reader.feed(response.text)
        fields = dict(reader.forms[0].fields)
        fields |= {"email": email, "password": password} if "password" in fields else {}
        fields |= {"decision": "allow", "owner_id": "own_1"} if reader.forms[0].decisions else {}
        target = urljoin(str(response.url), reader.forms[0].action)
        response = browser.post(target, data=fields, headers={"origin": "{0.scheme}://{0.netloc}".format(urlsplit(target))})
    raise AssertionError(response.text)


def test_a_gateway_killed_between_the_providers_answer_and_its_own_write_connects_after_its_restart(tmp_path: Path) -> None:
    """Issue 6: kill -9 in the middle of connect: the store opens, the link still serves, no token is in clear text on disk."""
    data, port, faults = tmp_path / "data", free_port(), Faults()
    app = build(oauth=OAuthSettings(OAuthClient("ascend", "s3cret")), faults=faults)
    with listening(app) as crm_url:
        data.mkdir(mode=0o700)
        settings = f'base_url = "http://127.0.0.1:{port}"\negress_allow = ["{urlsplit(crm_url).netloc}"]\n'
        (data / "ascend.toml").write_text(settings)
        file = tmp_path / "crm.yaml"
        file.write_text(yaml.safe_dump({**definition(crm_url), "client_id": "ascend"}))
        for words, stdin in (
            (("user", "add", EMAIL, "--tenant", "default", "--password-stdin"), f"{PASSWORD}\n"),
            (("provider", "add", str(file), "--secret-stdin"), "s3cret\n"),
            (("import", "openapi", f"{crm_url}/openapi.json", "--provider", "crm", "--shared"), None),
        ):
            done = ascend_here(*words, data_dir=data, stdin=stdin or "")
            assert done.returncode == 0, done.stderr
        token = ascend_here("token", "mint", "--tenant", "default", "--user", EMAIL, data_dir=data).stdout.strip()
        wanted = {"api": "crm.contacts.search", "args": {"query": "Ada"}}
        with httpx2.Client(timeout=20) as browser:
            with running_gateway(data, demo=False, port=port) as gateway:
                link = told(gateway, token, "call_api", wanted)["connection"]["url"]
                callback = walk(browser, link, lambda url: "/connect/callback/" in url)
                faults.reply_delay_s = 3
                visit = threading.Thread(target=lambda: _try(browser, callback))
                visit.start()
                until_here(lambda: bool(app.state.grants.all()))
                gateway.process.kill()
                visit.join(20)
            faults.reply_delay_s = 0
            with running_gateway(data, demo=False, port=port) as gateway:
                assert told(gateway, token, "call_api", wanted)["status"] == "needs_connection"
                assert browser.get(callback).status_code == 403  # the code is not redeemed twice
                assert "Mara Lindqvist" in walk(browser, link, lambda _url: False)
                assert told(gateway, token, "call_api", wanted)["status"] == "ok"
        dump = b"".join(path.read_bytes() for path in data.iterdir() if path.is_file() and path.name != "vault.kek")
        assert all(grant.refresh_token.encode() not in dump for grant in app.state.grants.all())
        assert b"s3cret" not in dump


def _try(browser: httpx2.Client, url: str) -> None:
    try:
        browser.get(url)
    except httpx2.HTTPError:
        return  # the gateway is gone, which is the point


def test_a_newcomer_sees_the_whole_onboarding_offline(tmp_path: Path) -> None:
    """Issue 6: ask -> link -> consent at the CRM -> answer, with nothing but `serve --demo`."""
    data = tmp_path / "data"
    with running_gateway(data, onboarding=True) as gateway, httpx2.Client(timeout=20) as browser:
        (data / "ascend.toml").write_text(f'base_url = "{gateway.base_url}"\n')
        token = ascend_here("token", "mint", "--tenant", "default", "--user", gateway.email, data_dir=data).stdout.strip()
        wanted = {"api": "crm.contacts.search", "args": {"query": "Ada"}}
        link = told(gateway, token, "call_api", wanted)["connection"]["url"]
        assert "Mara Lindqvist" in walk(browser, link, lambda _url: False, gateway.email, gateway.password)
        assert told(gateway, token, "call_api", wanted)["status"] == "ok"
