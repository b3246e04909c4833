"""`ascend ai key`: minted once, listed without the key, revoked."""

import json
from pathlib import Path

import pytest

from tests.command_line import ascend_here


def test_a_key_is_shown_once_listed_and_revoked(tmp_path: Path) -> None:
    minted = json.loads(ascend_here("ai", "key", "mint", "bot", *MORE, data_dir=tmp_path).stdout)
    assert minted["key"].startswith("asc_ak_")
    assert len(minted["key"]) == len("asc_ak_") + 43
    listed = ascend_here("ai", "key", "list", "--json", data_dir=tmp_path).stdout
    assert minted["key"] not in listed
    [row] = json.loads(listed)
    assert row["id"] == minted["id"]
    assert (row["name"], row["tenant"], row["user"], row["allow"]) == ("bot", "default", "ada@acme.test", "bulk openai/*")
    assert (row["usd"], row["window"], row["state"], row["last_used"]) == (0.25, "day", "live", None)
    assert ascend_here("ai", "key", "revoke", row["id"], data_dir=tmp_path).stdout == f"{row['id']} is revoked\n"
    [row] = json.loads(ascend_here("ai", "key", "list", "--tenant", "default", "--json", data_dir=tmp_path).stdout)
    assert row["state"] == "revoked"
    other = json.loads(ascend_here("ai", "key", "mint", "bot", *MORE, data_dir=tmp_path).stdout)["id"]
    said = ascend_here("ai", "key", "revoke", other, "--json", data_dir=tmp_path).stdout
    assert json.loads(said) == {"id": other, "state": "revoked"}


def test_a_key_alone_is_on_standard_output(tmp_path: Path) -> None:
    """So that a script can take it."""
    said = ascend_here("ai", "key", "mint", "bot", "--tenant", "default", data_dir=tmp_path)
    assert len(said.stdout.strip()) == len("asc_ak_") + 43
    assert "shown only now" in said.stderr


MORE = (
    "--tenant",
    "default",
    "--user",
    "Ada@acme.test",
    "--allow",
    "bulk",
    "--allow",
    "openai/*",
    "--usd",
    "0.25",
    "--window",
    "day",
    "--json",
)

REFUSALS = [
    (("mint", "bot", "--tenant", "nobody"), 1, "no tenant 'nobody'"),
    (("mint", "*", "--tenant", "default"), 2, "name '*'"),
    (("mint", "bot", "--tenant", "default", "--usd", "-1"), 2, "-1 is not an amount"),
    (("mint", "bot", "--tenant", "default", "--window", "day"), 2, "--window: say with --usd"),
    (("mint", "bot", "--tenant", "default", "--user", "ada"), 2, "'ada' is not an address"),
    (("revoke", "key_1"), 1, "no live key 'key_1'; `ascend ai key list` shows all"),
]


@pytest.mark.parametrize(("words", "code", "said"), REFUSALS, ids=[" ".join(words) for words, _code, _said in REFUSALS])
def test_a_refusal_names_the_way_out(tmp_path: Path, words: tuple[str, ...], code: int, said: str) -> None:
    done = ascend_here("ai", "key", *words, data_dir=tmp_path)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr


def test_a_disabled_person_calls_no_models(tmp_path: Path) -> None:
    add = ("user", "add", "ada@acme.test", "--tenant", "default", "--password-stdin")
    assert ascend_here(*add, data_dir=tmp_path, stdin="correct-horse-battery\n").returncode == 0
    ascend_here("ai", "key", "mint", "bot", *MORE, data_dir=tmp_path)
    assert "1 caller's keys ended" in ascend_here("user", "disable", "ada@acme.test", data_dir=tmp_path).stdout
