"""`ascend admin`: who may run the gateway is said on the machine, and every word of it is on record."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import ascend_here


@pytest.fixture
def data(tmp_path: Path) -> Path:
    ascend_here("tenant", "add", "acme", data_dir=tmp_path)
    return tmp_path


def listed(data: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(ascend_here("admin", "list", "--json", data_dir=data).stdout)
    return rows


def test_an_invite_adds_who_is_not_there_and_gives_the_role_that_is_said(data: Path) -> None:
    """Without a role nothing is made: an invite would open nothing."""
    refused = ascend_here("admin", "invite", "Ops@Example.com", data_dir=data)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "--role owner|operator|auditor" in refused.stderr
    assert listed(data) == []
    made = ascend_here("admin", "invite", "Ops@Example.com", "--role", "owner", "--json", data_dir=data)
    invite = json.loads(made.stdout)
    assert invite["url"].startswith("http://localhost:8080/admin/invite/")
    assert (invite["email"], invite["role"], invite["reach"]) == ("ops@example.com", "owner", "gateway")
    again = ascend_here("admin", "invite", "ops@example.com", data_dir=data).stdout.strip()
    assert again.startswith("http://localhost:8080/admin/invite/")
    assert again != invite["url"]
    assert [(row["email"], row["role"], row["passkeys"]) for row in listed(data)] == [("ops@example.com", "owner", 0)]
    shown = ascend_here("audit", "events", "--json", data_dir=data).stdout
    assert "admin invite" in shown
    assert again.rpartition("/")[2] not in shown


def test_a_role_reaches_its_tenant_or_the_gateway_and_keeps_its_reach(data: Path) -> None:
    ascend_here("user", "add", "ada@acme.test", "--tenant", "acme", "--admin", data_dir=data)
    assert [(row["role"], row["reach"]) for row in listed(data)] == [("owner", "tenant")]
    for words, expected in (
        (("--gateway",), ("auditor", "gateway")),
        ((), ("auditor", "gateway")),
        (("--no-gateway",), ("auditor", "tenant")),
    ):
        given = ascend_here("admin", "role", "ada@acme.test", "auditor", "--tenant", "acme", *words, data_dir=data)
        assert given.returncode == 0, given.stderr
        assert [(row["role"], row["reach"]) for row in listed(data)] == [expected]


def test_a_role_without_a_passkey_that_counts_says_how_its_person_comes_in(data: Path) -> None:
    ascend_here("user", "add", "ada@acme.test", "--tenant", "acme", data_dir=data)
    for words in (("admin", "role", "ada@acme.test", "auditor", "--json"), ("user", "admin", "ada@acme.test")):
        given = ascend_here(*words, "--tenant", "acme", data_dir=data)
        assert given.returncode == 0, given.stderr
        assert "`ascend admin invite ada@acme.test --tenant acme` makes a way in" in given.stderr


def test_the_last_owner_of_the_gateway_stays(data: Path) -> None:
    """Of a tenant the last one may go: the gateway's owners are there."""
    ascend_here("admin", "invite", "ops@example.com", "--role", "owner", data_dir=data)
    ascend_here("admin", "invite", "ada@acme.test", "--role", "owner", "--tenant", "acme", data_dir=data)
    for words in (
        ("admin", "revoke", "ops@example.com"),
        ("admin", "role", "ops@example.com", "operator"),
        ("user", "disable", "ops@example.com"),
        ("user", "admin", "ops@example.com", "--off"),
    ):
        refused = ascend_here(*words, data_dir=data)
        assert (refused.returncode, "last owner" in refused.stderr) == (1, True), words
    assert ascend_here("admin", "revoke", "ada@acme.test", "--tenant", "acme", data_dir=data).returncode == 0
    assert [row["email"] for row in listed(data)] == ["ops@example.com"]


def test_only_an_owner_has_a_token_of_the_machine(data: Path) -> None:
    """Operations contract, "Automation": the machine's own way in is its owner's."""
    ascend_here("admin", "invite", "op@example.com", "--role", "operator", data_dir=data)
    mint = ("token", "mint", "--for", "admin", "--tenant", "default", "--user", "op@example.com")
    assert ascend_here(*mint, data_dir=data).returncode == 1
    ascend_here("admin", "role", "op@example.com", "owner", data_dir=data)
    assert ascend_here(*mint, data_dir=data).stdout.startswith("asc_at_")


def test_a_provider_that_opens_the_console_says_what_to_enter_there_and_whom_it_lets_in(data: Path) -> None:
    """Nobody can be given a role before they were here once, so that it is somebody."""
    corp = ("identity-provider", "add", "corp", "--issuer", "https://id.example", "--client-id", "x", "--client-auth", "none")
    added = ascend_here(*corp, "--admin-acr", "phr", "--admin-acr", "mfa", data_dir=data)
    assert added.returncode == 0, added.stderr
    assert "/admin/sign-in/callback/default/corp" in added.stdout
    assert "ascend admin role EMAIL ROLE --by corp" in added.stdout
    [row] = json.loads(ascend_here("identity-provider", "list", "--json", data_dir=data).stdout)
    assert row["admin_acr"] == "phr mfa"
    ascend_here("user", "add", "grace@corp.example", "--tenant", "default", data_dir=data)
    refused = ascend_here("admin", "role", "grace@corp.example", "owner", "--by", "corp", data_dir=data)
    assert refused.returncode == 1
    assert "has not signed in by 'corp' yet" in refused.stderr
    wrong = ascend_here(*corp, "--admin-acr", "two words", data_dir=data)
    assert (wrong.returncode, "admin_acr" in wrong.stderr) == (2, True)
