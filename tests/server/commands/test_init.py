"""`ascend init` makes an empty place ready, says what must be known now and what comes next, and takes nothing away."""

import json
from pathlib import Path
from typing import Any

import click
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from server.backups.keys import load_keys, read_identity, recipient_text
from server.commands import init as command
from tests.command_line import ascend_here

GIVEN = ("--base-url", "https://gateway.example.com", "--environment", "production", "--owner", "Ada@Example.com")


def made(data: Path, *words: str) -> dict[str, Any]:
    done = ascend_here("init", *words, "--json", data_dir=data, is_first_start=True)
    assert done.returncode == 0, done
    return dict(json.loads(done.stdout))


def test_an_empty_place_becomes_a_gateway_with_an_owner_and_keys(tmp_path: Path) -> None:
    first = made(tmp_path / "data", *GIVEN)
    [owner] = first["owners"]
    assert owner["email"] == "ada@example.com"
    assert owner["invite"].startswith("https://gateway.example.com/admin/invite/")
    [listed] = json.loads(ascend_here("admin", "list", "--json", data_dir=tmp_path / "data").stdout)
    assert (listed["email"], listed["role"], listed["reach"]) == ("ada@example.com", "owner", "gateway")
    keys = load_keys(tmp_path / "data")
    assert keys is not None
    assert recipient_text(read_identity(first["recovery_key"]).public_key()) in [recipient_text(key) for key in keys.recipients]
    assert first["next"][0] == "ascend serve"
    assert "ascend backup create" in first["next"]
    for file in ("ascend.toml", "vault.kek", "backup.key", "ascend.sqlite3"):
        assert (tmp_path / "data" / file).stat().st_mode & 0o077 == 0, file


def test_again_it_changes_nothing_and_shows_no_key_a_second_time(tmp_path: Path) -> None:
    """Who has not come in yet gets another link, which ends the one before."""
    first, again = made(tmp_path, *GIVEN), made(tmp_path, *GIVEN)
    assert again["recovery_key"] is None
    assert again["owners"][0]["invite"] not in (None, first["owners"][0]["invite"])
    plain = ascend_here("init", data_dir=tmp_path, is_first_start=True).stdout
    assert first["recovery_key"] not in plain
    assert "ada@example.com" in plain
    assert "admin/invite" not in plain, "nobody asked for a link"
    assert [row["email"] for row in json.loads(ascend_here("admin", "list", "--json", data_dir=tmp_path).stdout)] == ["ada@example.com"]


def test_a_file_of_settings_that_is_there_is_the_operators(tmp_path: Path) -> None:
    made(tmp_path, *GIVEN)
    before = (tmp_path / "ascend.toml").read_text()
    refused = ascend_here("init", "--base-url", "https://other.example.com", data_dir=tmp_path, is_first_start=True)
    assert refused.returncode == 1
    assert 'write base_url = "https://other.example.com" into it' in refused.stderr
    assert (tmp_path / "ascend.toml").read_text() == before


def test_nothing_needs_to_be_said(tmp_path: Path) -> None:
    """Neither is an owner made up; the way to one is among what comes next."""
    told = made(tmp_path, "--no-backups")
    assert (told["owners"], told["recovery_key"]) == ([], None)
    assert "ascend admin invite EMAIL --role owner" in told["next"]
    assert not (tmp_path / "ascend.toml").exists()
    assert load_keys(tmp_path) is None


def test_whoever_has_keys_of_their_own_names_them_and_gets_none(tmp_path: Path) -> None:
    own = recipient_text(X25519PrivateKey.generate().public_key())
    assert made(tmp_path, "--recipient", own)["recovery_key"] is None
    keys = load_keys(tmp_path)
    assert keys is not None
    assert own in [recipient_text(key) for key in keys.recipients]
    assert len(keys.recipients) == 2, "this machine tries its own backups"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--recipient", "age1nobody"), 2, "--recipient"),
        (("--owner", "nobody"), 2, "--owner"),
        (("--base-url", "gateway.example.com"), 1, "ASCEND_BASE_URL"),
        (("--no-backups", "--recipient", recipient_text(X25519PrivateKey.from_private_bytes(bytes(32)).public_key())), 2, "opposite"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, words: tuple[str, ...], code: int, says: str) -> None:
    done = ascend_here("init", *words, data_dir=tmp_path, is_first_start=True)
    assert (done.returncode, done.stderr.count("\n")) == (code, 1), done
    assert says in done.stderr


def test_at_a_terminal_it_asks_for_what_was_not_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers, asked = ["https://gateway.example.com", "production", ""], []

    def prompt(words: str, **_options: object) -> str:
        asked.append(words)
        return answers[len(asked) - 1]

    monkeypatch.setattr(command, "is_at_terminal", lambda: True)
    monkeypatch.setattr(click, "prompt", prompt)
    done = ascend_here("init", data_dir=tmp_path, is_first_start=True)
    assert done.returncode == 0, done
    assert len(asked) == 3
    assert "environment    production" in done.stdout
    assert "at             https://gateway.example.com" in done.stdout
    assert "ascend admin invite EMAIL --role owner" in done.stdout
