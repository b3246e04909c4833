"""What `--json` prints has the keys that programs read, with the values that were given."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import ascend_here


class Filled:
    """A data directory with one of everything that commands list."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.run("user add ada@example.com --tenant default --name Ada --password-stdin", stdin="correct-horse-battery\n")
        self.run("client add Probe --redirect-uri https://app.example/cb")
        self.run("identity-provider add corp --issuer https://id.example --client-id x --admit corp.example --secret-stdin", stdin="s\n")
        self.run("provider add hubspot --client-id abc --secret-stdin", stdin="s\n")
        self.run("connection add-key crm --kind bearer", stdin="k\n")
        self.run("tenant set default --static-tokens-until 2099-01-01")
        self.run("token static mint script --tenant default --user ada@example.com --scope mcp")
        self.minted = json.loads(self.run("token mint --tenant default --user ada@example.com --ttl 60 --json"))
        self.run("index build")

    def run(self, words: str, *more: str, stdin: str = "") -> str:
        done = ascend_here(*words.split(), *more, data_dir=self.data, stdin=stdin)
        assert done.returncode == 0, done
        return done.stdout

    def rows(self, words: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.run(f"{words} --json"))
        return found


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    return Filled(tmp_path_factory.mktemp("json") / "data")


#: command -> the keys of each row, and what the first row is known to say
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "user list": (
        "email tenant name subject admin disabled may_grant",
        {"email": "ada@example.com", "tenant": "default", "name": "Ada", "admin": False, "disabled": False, "may_grant": "everything"},
    ),
    "identity-provider list": (
        "name title issuer admits admin_acr",
        {"name": "corp", "title": "corp", "issuer": "https://id.example", "admits": "corp.example", "admin_acr": None},
    ),
    "provider list": ("provider registered_for client_id", {"provider": "hubspot", "registered_for": "every tenant", "client_id": "abc"}),
    "connection list": (
        "tenant who subject provider alias id title state error",
        {"tenant": "default", "who": "everybody", "provider": "crm", "alias": "default", "state": "ready", "error": None},
    ),
    "client list": (
        "client_id name kind tenant last_used state",
        {"name": "Probe", "kind": "registered", "tenant": None, "last_used": None, "state": "active"},
    ),
    "tenant list": ("name title url suspended leaving", {"name": "default", "title": "Ascend Gateway", "suspended": False}),
    "token static list --tenant default": (
        "id label scopes calls last_used created",
        {"label": "script", "scopes": "mcp", "calls": 0, "last_used": None},
    ),
    "grant list": (
        "grant_id tenant who client_id scopes how since",
        {"tenant": "default", "who": "ada@example.com", "client_id": "ascend-command-line", "how": "minted"},
    ),
    "keys list": ("key_id state data_keys", {"state": "active", "data_keys": 2}),
    "vault events": ("at actor action name version purpose", {"actor": "operator", "action": "sealed", "version": 1, "purpose": "add key"}),
    "vault verify": ("tenant secrets", {"tenant": "(shared)", "secrets": "as they were left"}),
    "audit scopes": ("operation scope access", {"operation": "batch_execute", "scope": "mcp", "access": "destructive"}),
    "doctor": ("what state advice ok", {"what": "base URL", "state": "http://127.0.0.1:8080 (this machine only)", "ok": True}),
    "index stats": ("segment operations parts words spaces", {"segment": "*", "parts": 1}),
}


@pytest.mark.parametrize("words", ROWS)
def test_a_list_has_its_keys_and_values(filled: Filled, words: str) -> None:
    keys, said = ROWS[words]
    first, *others = filled.rows(words)
    assert all(list(row) == keys.split() for row in (first, *others))
    assert {name: first[name] for name in said} == said


def test_a_client_is_shown_whole(filled: Filled) -> None:
    [listed] = filled.rows("client list")
    [shown] = filled.rows(f"client show {listed['client_id']}")
    assert shown.pop("created")
    assert shown == {
        "client_id": listed["client_id"],
        "name": "Probe",
        "kind": "registered",
        "tenant": None,
        "application_type": "web",
        "authentication": "client_secret_basic",
        "grant_types": "authorization_code refresh_token",
        "redirect_uris": "https://app.example/cb",
        "service_scopes": "",
        "registered_from": "",
        "last_used": None,
        "expires": None,
        "revoked": False,
        "standing_grants": 0,
    }


def test_a_minted_token_comes_with_its_scope_and_end(filled: Filled) -> None:
    assert sorted(filled.minted) == ["access_token", "expires_at", "scope"]
    assert "mcp:read" in filled.minted["scope"].split()


@pytest.mark.parametrize(("intent", "is_low"), [("list my recent calls", False), ("zzqx blorf", True)])
def test_a_search_says_whether_anything_fits(filled: Filled, intent: str, is_low: bool) -> None:
    """mutants.md 11."""
    found = json.loads(filled.run("index search --json", intent))
    assert found["low_confidence"] is is_low
    assert found["hits"]
    assert list(found["hits"][0]) == ["slug", "segment", "score", "reasons"]
