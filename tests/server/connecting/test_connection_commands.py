"""The command line of providers, accounts and the vault, run as operators run it."""

import json
import sqlite3
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from joserfc.jwk import RSAKey

from oauth.connections.provider import known_definitions
from server.demo.provider import definition
from tests.command_line import ascend_here
from tests.oauth.connections.machine_provider import APP_ID, INSTALLATION, MachineProvider
from tests.server.demo.listening import listening
from tests.server.importing.test_importing import document


class Ascend:
    """`ascend` on a data directory of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def __call__(self, *words: str, stdin: str = "", environ: dict[str, str] | None = None, expect: int = 0) -> str:
        done = ascend_here(*words, data_dir=self.data, stdin=stdin, environ=environ)
        assert done.returncode == expect, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def ascend(tmp_path: Path) -> Ascend:
    return Ascend(tmp_path / "data")


def test_a_key_is_added_listed_and_removed_and_never_printed(ascend: Ascend) -> None:
    """contracts.md: exits 0/1/2, --json on lists."""
    said = ascend("connection", "add-key", "weather", stdin="k-secret\n")
    listed = ascend("connection", "list", "--json")
    [row] = json.loads(listed)
    assert (row["provider"], row["subject"], row["state"]) == ("weather", "everybody", "ready")
    assert "k-secret" not in said + listed + ascend("vault", "events")
    ascend("connection", "remove", row["id"])
    assert json.loads(ascend("connection", "list", "--json")) == []
    assert "`ascend connection list`" in ascend("connection", "remove", row["id"], expect=1)
    assert "ascend user list" in ascend("connection", "add-key", "crm", "--user", "no@body.example", stdin="k\n", expect=1)
    assert "control characters" in ascend("connection", "add-key", "crm", expect=1)


def test_a_key_for_what_nothing_uses_is_kept_with_a_word(ascend: Ascend, tmp_path: Path) -> None:
    """A misspelled provider would be found out at the next call; a key before its import is no mistake."""
    (tmp_path / "shop.json").write_text(json.dumps(document({"type": "object"})), encoding="utf-8")
    ascend("import", "openapi", str(tmp_path / "shop.json"), "--provider", "shop", "--shared")
    assert "no operation of 'shpo' is imported for default; `ascend import list`" in ascend("connection", "add-key", "shpo", stdin="k\n")
    assert "did you mean 'openai'?" in ascend("connection", "add-key", "opena", stdin="k\n")
    assert "note" not in ascend("connection", "add-key", "shop", stdin="k\n") + ascend("connection", "add-key", "openai", stdin="k\n")


def test_a_key_where_people_sign_in_is_refused_unless_its_kind_is_said(ascend: Ascend) -> None:
    """A shared key comes before the link that people connect their own accounts with."""
    ascend("provider", "add", "hubspot", "--client-id", "abc", environ={"HUBSPOT_CLIENT_SECRET": "s3"})
    refused = ascend("connection", "add-key", "hubspot", stdin="k\n", expect=1)
    assert "people connect theirs at http://127.0.0.1:8080/connections; give --kind" in refused
    assert json.loads(ascend("connection", "list", "--json")) == []
    ascend("connection", "add-key", "hubspot", "--kind", "bearer", stdin="k\n")
    assert [row["provider"] for row in json.loads(ascend("connection", "list", "--json"))] == ["hubspot"]


def test_an_account_is_listed_with_the_address_of_its_person(ascend: Ascend) -> None:
    """Log lines and vault events name the subject; both lists say who that is."""
    ascend("user", "add", "ada@example.com", "--tenant", "default")
    ascend("connection", "add-key", "weather", "--user", "ada@example.com", stdin="k\n")
    ascend("connection", "add-key", "maps", stdin="k\n")
    rows = {row["provider"]: row for row in json.loads(ascend("connection", "list", "--json"))}
    [person] = json.loads(ascend("user", "list", "--json"))
    assert (rows["weather"]["who"], rows["weather"]["subject"]) == ("ada@example.com", person["subject"])
    assert (rows["maps"]["who"], rows["maps"]["subject"]) == ("everybody", "everybody")


def test_a_provider_that_comes_along_is_registered_by_name(ascend: Ascend) -> None:
    """contracts.md: client id and secret from the environment or standard input."""
    said = ascend("provider", "add", "hubspot", "--client-id", "abc", environ={"HUBSPOT_CLIENT_SECRET": "s3"})
    assert "/connect/callback/default/hubspot" in said
    rows = {row["provider"]: row["registered_for"] for row in json.loads(ascend("provider", "list", "--json"))}
    assert (rows["hubspot"], rows["google"]) == ("every tenant", None)
    ascend("provider", "remove", "hubspot")
    assert "HUBSPOT_CLIENT_SECRET" in ascend("provider", "add", "hubspot", "--client-id", "abc", expect=2)


def test_a_provider_of_ones_own_is_read_from_a_file_and_checked(ascend: Ascend, tmp_path: Path) -> None:
    """Issue 6: a JSON Schema checks the files."""
    file = tmp_path / "crm.yaml"
    file.write_text(yaml.safe_dump({**definition("http://127.0.0.1:8090"), "client_id": "ascend"}))
    assert "Demo CRM is registered" in ascend("provider", "add", str(file), "--secret-stdin", stdin="s\n")
    file.write_text(yaml.safe_dump({**definition("http://127.0.0.1:8090"), "client_id": "x", "pkce": "plain"}))
    assert "pkce" in ascend("provider", "add", str(file), "--secret-stdin", stdin="s\n", expect=1)
    file.write_text("{")
    assert "not YAML" in ascend("provider", "add", str(file), expect=1)
    assert "airtable" in ascend("provider", "add", "nowhere.yaml", expect=1)
    wrong = ascend(
        "provider", "add", "salesforce", "--client-id", "x", "--value", "login_host=evil.example", "--secret-stdin", stdin="s\n", expect=1
    )
    assert "does not match" in wrong


def test_an_environment_is_imported_and_the_keys_are_rotated(ascend: Ascend, tmp_path: Path) -> None:
    """Issue 6: `ascend vault import-env`, `ascend vault rotate`."""
    env = tmp_path / ".env"
    env.write_text("GITHUB_TOKEN='t0p'\nZOOM_CLIENT_ID=z\nZOOM_CLIENT_SECRET=s\n")
    assert "t0p" not in ascend("vault", "import-env", str(env), "--dry-run")
    assert ascend("connection", "list", "--json").strip() == "[]"
    ascend("vault", "import-env", str(env))
    before = (ascend.data / "vault.kek").read_text()
    assert "2 secrets sealed anew" in ascend("vault", "rotate")
    assert (ascend.data / "vault.kek").read_text() != before
    assert "1 data keys" in ascend("vault", "rotate", "--no-dek")
    assert [row["provider"] for row in json.loads(ascend("connection", "list", "--json"))] == ["github"]


def test_aws_keys_are_checked_and_never_shown(ascend: Ascend) -> None:
    """Issue 6: AWS SigV4 keys; the kind comes from the provider's file, temporary keys bring a session token."""
    words = ("connection", "add-key", "aws", "--username", "AKIDEXAMPLE", "--region", "eu-west-1")
    said = ascend(*words, "--session-token-stdin", stdin="wJalr\nFwoG\n")
    assert "wJalr" not in said + ascend("connection", "list") + ascend("vault", "events")
    assert "access key id" in ascend("connection", "add-key", "aws", stdin="wJalr\n", expect=1)
    assert "eu-central-1" in ascend(*words[:-1], "EU!", stdin="wJalr\n", expect=1)


def test_a_machine_account_is_registered_added_and_removed(ascend: Ascend, tmp_path: Path) -> None:
    """Issue 6: GitHub App tokens, set up from the command line against a stand-in that checks the signature."""
    key = RSAKey.generate_key(2048)
    github = MachineProvider(time.time, RSAKey.import_key(key.as_dict(private=False)))
    with listening(github.app()) as url:
        file = tmp_path / "app.yaml"
        described = {
            **known_definitions()["github_app"],
            "id": "acme_github",
            "token_url": f"{url}/app/installations/{{installation_id}}/access_tokens",
            "revoke": {"url": f"{url}/installation/token", "style": "bearer", "token": "access", "method": "DELETE"},
        }
        file.write_text(yaml.safe_dump({**described, "client_id": APP_ID}))
        allowed = {"ASCEND_EGRESS_ALLOW": urlsplit(url).netloc}
        assert "private key" in ascend("provider", "add", str(file), "--secret-stdin", stdin="nonsense\n", expect=1)
        said = ascend("provider", "add", str(file), "--secret-stdin", stdin=key.as_pem(private=True).decode())
        assert "ascend connection add acme_github --installation ID" in said
        assert "--installation" in ascend("connection", "add", "acme_github", environ=allowed, expect=1)
        assert "gave no token" in ascend("connection", "add", "acme_github", "--installation", "9", environ=allowed, expect=1)
        assert "is ready" in ascend("connection", "add", "acme_github", "--installation", INSTALLATION, environ=allowed)
        [row] = json.loads(ascend("connection", "list", "--json"))
        assert (row["provider"], row["subject"], row["state"]) == ("acme_github", "everybody", "ready")
        assert len(github.tokens) == 1
        assert "at the provider too" in ascend("connection", "remove", row["id"], environ=allowed)
        assert github.tokens == {}
    dump = b"".join(path.read_bytes() for path in ascend.data.iterdir() if path.is_file() and path.name != "vault.kek")
    assert b"PRIVATE KEY" not in dump


def test_rows_put_back_are_told_stop_the_gateway_and_can_be_accepted(ascend: Ascend) -> None:
    """Issue 6, versions rolled back: the secret with its connection, both from one backup; a restore on purpose has a way."""
    ascend("connection", "add-key", "weather", stdin="k1\n")
    ascend("connection", "add-key", "maps", stdin="k1\n")
    tables = ("connections", "vault_secrets")
    with sqlite3.connect(ascend.data / "ascend.sqlite3") as sql:
        backup = {table: sql.execute(f"SELECT * FROM {table}").fetchall() for table in tables}
    ascend("connection", "add-key", "weather", stdin="k2\n")
    assert "rolled back" not in ascend("vault", "verify")
    with sqlite3.connect(ascend.data / "ascend.sqlite3") as sql:
        for table, rows in backup.items():
            sql.execute(f"DELETE FROM {table}")
            sql.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    assert "rolled back or changed" in ascend("vault", "verify", expect=1)
    refused = ascend("serve", "--port", "0", expect=1)
    assert "ascend vault accept" in refused
    ascend("vault", "accept", "--tenant", "default")
    assert "rolled back" not in ascend("vault", "verify")
    assert '"accepted"' in ascend("vault", "events", "--json")


def test_a_vault_without_its_key_says_what_to_do(ascend: Ascend) -> None:
    """facts/oauth.md §3.3 step 7."""
    ascend("connection", "add-key", "weather", stdin="k\n")
    (ascend.data / "vault.kek").unlink()
    assert "restore it" in ascend("connection", "add-key", "weather", stdin="k\n", expect=1)
    assert "base64" in ascend("vault", "rotate", environ={"ASCEND_VAULT_KEK": "short"}, expect=1)
