"""`ascend client`, `grant` and `keys`, and the file of trusted issuers."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from joserfc.jwk import ECKey

from server.authorization.trusted_issuers import FILE, load_trusted_issuers
from server.cli import ascend
from server.config.errors import SettingsError
from tests.empty_store import put_data_directory


def run(folder: Path, *arguments: str) -> Result:
    put_data_directory(folder)
    return CliRunner().invoke(ascend, [*arguments, "--data", str(folder)])


def listed(folder: Path, noun: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(run(folder, noun, "list", "--json").stdout)
    return rows


def test_an_operator_adds_shows_and_revokes_a_client(tmp_path: Path) -> None:
    """issue 3, Operations: `ascend client list|show|revoke`."""
    added = run(tmp_path, "client", "add", "Desk", "--redirect-uri", "http://127.0.0.1/cb", "--public")
    assert added.exit_code == 0, added.output
    assert "client_secret" not in added.output
    client_id = listed(tmp_path, "client")[0]["client_id"]
    shown = json.loads(run(tmp_path, "client", "show", client_id, "--json").stdout)[0]
    assert (shown["name"], shown["kind"], shown["redirect_uris"]) == ("Desk", "registered", "http://127.0.0.1/cb")
    assert "is refused" in run(tmp_path, "client", "revoke", client_id).output
    assert listed(tmp_path, "client")[0]["state"] == "revoked"
    assert "is forgotten" in run(tmp_path, "client", "revoke", client_id, "--forget").output
    assert listed(tmp_path, "client") == []


def test_a_service_principal_is_bound_to_a_tenant_and_scopes(tmp_path: Path) -> None:
    """MCP client credentials extension: pre-registered clients only."""
    added = run(tmp_path, "client", "add", "Nightly", "--service", "--tenant", "default", "--scope", "mcp mcp:read")
    assert "asc_cs_" in added.output
    shown = json.loads(run(tmp_path, "client", "show", listed(tmp_path, "client")[0]["client_id"], "--json").stdout)[0]
    assert (shown["tenant"], shown["service_scopes"], shown["grant_types"]) == ("default", "mcp mcp:read", "client_credentials")
    assert "asc_cs_" not in str(shown)


def test_a_service_principal_may_sign_instead_of_keeping_a_secret(tmp_path: Path) -> None:
    """MCP client credentials extension: private_key_jwt is the recommended way."""
    key = ECKey.generate_key("P-256")
    public, private = tmp_path / "public.json", tmp_path / "private.json"
    public.write_text(json.dumps({"keys": [key.as_dict(private=False)]}), encoding="utf-8")
    private.write_text(json.dumps({"keys": [key.as_dict(private=True)]}), encoding="utf-8")
    service = ("client", "add", "Nightly", "--service", "--tenant", "default", "--scope", "mcp", "--jwks")
    assert run(tmp_path, *service, str(private)).exit_code == 2
    added = run(tmp_path, *service, str(public))
    assert (added.exit_code, "asc_cs_" in added.output) == (0, False)


@pytest.mark.parametrize(
    "uri", ["https://192.168.1.5/cb", "https://10.0.0.7:8443/cb", "https://[fd00::5]/cb", "https://librechat/cb", "https://localhost/cb"]
)
def test_an_operator_registers_a_place_in_the_own_network(tmp_path: Path, uri: str) -> None:
    """clients.md CL23."""
    assert run(tmp_path, "client", "add", "Chat", "--redirect-uri", uri).exit_code == 0
    assert (
        json.loads(run(tmp_path, "client", "show", listed(tmp_path, "client")[0]["client_id"], "--json").stdout)[0]["redirect_uris"] == uri
    )


@pytest.mark.parametrize(
    "uri", ["http://192.168.1.5/cb", "https://169.254.169.254/cb", "https://0.0.0.0/cb", "https://192.168.261/cb", "https://2130706433/"]
)
def test_an_operator_does_not_register_what_is_no_place(tmp_path: Path, uri: str) -> None:
    """clients.md CL23, the other side."""
    assert run(tmp_path, "client", "add", "Chat", "--redirect-uri", uri).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("client", "add", "x"), 2),
        (("client", "add", "x", "--service"), 2),
        (("client", "add", "x", "--redirect-uri", "javascript:x"), 2),
        (("client", "add", "x", "--redirect-uri", "http://127.0.0.1/cb", "--tenant", "nowhere"), 1),
        (("tenant", "add", "Not A Name"), 2),
        (("tenant", "add", "default"), 1),
        (("tenant", "set", "nowhere", "--title", "x"), 1),
        (("user", "add", "no address", "--tenant", "default"), 2),
        (("user", "add", "ada@example.com", "--tenant", "nowhere"), 1),
        (("client-config", "--tenant", "nowhere"), 1),
        (("user", "limit", "ada@example.com"), 2),
        (("user", "limit", "ada@example.com", "--scope", "everything"), 2),
        (("user", "limit", "nobody@example.com", "--all"), 1),
        (("token", "mint", "--tenant", "default", "--user", "no address"), 2),
        (("identity-provider", "add", "x", "--tenant", "default", "--issuer", "http://idp.example", "--client-id", "x"), 2),
        (("provider", "add", "hubspot"), 2),
        (("provider", "add", "nothing-of-the-kind"), 1),
        (("serve", "--port", "70000"), 2),
        (("serve", "--port", "0", "--base-url", "http://gateway.example.com"), 2),
        (("client", "show", "nobody"), 1),
        (("client", "revoke", "nobody"), 1),
        (("grant", "revoke", "nothing"), 1),
        (("grant", "list", "--tenant", "nowhere"), 1),
    ],
)
def test_wrong_usage_and_failure_are_told_apart(tmp_path: Path, arguments: tuple[str, ...], code: int) -> None:
    """contracts.md: exit 1 failed, 2 wrong usage."""
    assert run(tmp_path, *arguments).exit_code == code


def test_a_minted_grant_is_listed_and_revoked(tmp_path: Path) -> None:
    """issue 3, Operations: `grant list|revoke`."""
    run(tmp_path, "user", "add", "ada@example.com", "--tenant", "default")
    run(tmp_path, "token", "mint", "--tenant", "default", "--user", "ada@example.com", "--scope", "mcp mcp:read")
    grant = listed(tmp_path, "grant")[0]
    assert (grant["who"], grant["scopes"], grant["how"]) == ("ada@example.com", "mcp mcp:read", "minted")
    assert "has ended" in run(tmp_path, "grant", "revoke", grant["grant_id"]).output
    assert "had ended before" in run(tmp_path, "grant", "revoke", grant["grant_id"]).output
    assert listed(tmp_path, "grant") == []


def test_a_person_can_be_limited_to_some_scopes(tmp_path: Path) -> None:
    """Least scope: what was granted before ends, and what comes after is no more than the limit."""
    ada = ("--tenant", "default", "--user", "ada@example.com")
    run(tmp_path, "user", "add", "ada@example.com", "--tenant", "default")
    run(tmp_path, "token", "mint", *ada)
    assert "1 grants ended" in run(tmp_path, "user", "limit", "ada@example.com", "--scope", "mcp mcp:read").output
    assert (listed(tmp_path, "grant"), listed(tmp_path, "user")[0]["may_grant"]) == ([], "mcp:read")
    run(tmp_path, "token", "mint", *ada, "--scope", "mcp mcp:read mcp:write")
    assert listed(tmp_path, "grant")[0]["scopes"] == "mcp mcp:read"
    assert "everything" in run(tmp_path, "user", "limit", "ada@example.com", "--all").output
    run(tmp_path, "token", "mint", *ada, "--scope", "mcp mcp:write")
    assert listed(tmp_path, "grant")[0]["scopes"] == "mcp mcp:write"


def test_whoever_adds_a_person_is_told_addresses_that_a_browser_and_a_client_can_use(tmp_path: Path) -> None:
    """docs/guides/sign-in.md, People: the account page is for browsers, the MCP URL for clients; the button of a link spends it."""
    run(tmp_path, "tenant", "add", "acme")
    for tenant, path in (("default", ""), ("acme", "/acme")):
        said = run(tmp_path, "user", "add", "ada@example.com", "--tenant", tenant).output
        assert f"can sign in at http://127.0.0.1:8080/account{path}; their client connects to http://127.0.0.1:8080/mcp{path}\n" in said
        assert run(tmp_path, "client-config", "--tenant", tenant).output.endswith(f"/mcp{path}\n")
    assert "whoever presses its button first" in run(tmp_path, "user", "link", "ada@example.com").output


def test_the_key_encryption_key_is_rotated(tmp_path: Path) -> None:
    """issue 3, Operations: `keys rotate`."""
    before = listed(tmp_path, "keys")
    assert "under a new key" in run(tmp_path, "keys", "rotate").output
    after = listed(tmp_path, "keys")
    assert after[0]["key_id"] != before[0]["key_id"]
    assert [row["state"] for row in after] == ["active", "former"]


def test_trusted_issuers_come_from_a_file(tmp_path: Path) -> None:
    """docs/guides/authorization.md: enterprise-managed authorization is off without the file."""
    assert load_trusted_issuers(tmp_path) == ()
    good = '[[issuer]]\ntenant = "default"\nissuer = "https://idp.example"\njwks_uri = "https://idp.example/jwks"\n'
    (tmp_path / FILE).write_text(good, encoding="utf-8")
    assert [(each.tenant_id, each.issuer) for each in load_trusted_issuers(tmp_path)] == [("default", "https://idp.example")]


@pytest.mark.parametrize(
    "text", ["x", "issuer = 1", "[[issuer]]\ntenant = 'a'", "[[issuer]]\ntenant='a'\nissuer='http://x'\njwks_uri='https://x'"]
)
def test_a_broken_file_of_issuers_is_named(tmp_path: Path, text: str) -> None:
    """Errors name the thing, the rule and the way out."""
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match="trusted-issuers"):
        load_trusted_issuers(tmp_path)


def test_the_command_says_whom_an_identity_provider_admits(tmp_path: Path) -> None:
    """mutants.md 12: the note on nobody appears where nobody is admitted, and only there; CL44: what Entra ID leaves out is said."""
    add = ("identity-provider", "add", "corp", "--client-id", "x", "--client-auth", "none", "--issuer")
    entra = "https://login.microsoftonline.com/8b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0/v2.0"
    assert "nobody new is admitted yet" in run(tmp_path, *add, "https://id.example").output
    for way in (("--admit", "corp.test"), ("--admit-unverified", "@Corp.test"), ("--admit", "*")):
        assert "nobody new" not in run(tmp_path, *add, "https://id.example", *way).output
    assert "xms_edov" in run(tmp_path, *add, entra, "--admit", "corp.test").output
    assert "xms_edov" not in run(tmp_path, *add, entra, "--admit-unverified", "corp.test").output
    assert listed(tmp_path, "identity-provider")[0]["admits"] == "unverified:corp.test"
