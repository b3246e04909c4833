"""`ascend tenant set` and `ascend token`: scripts get tokens, static ones only until their end date."""

from pathlib import Path

import pytest

from tests.command_line import ascend_here as ascend


@pytest.fixture
def data(tmp_path: Path) -> Path:
    made = ascend("user", "add", "ada@example.com", "--tenant", "default", "--password-stdin", data_dir=tmp_path, stdin="a long password\n")
    assert made.returncode == 0, made.stderr
    return tmp_path


def test_static_tokens_are_off_until_an_end_date_is_set(data: Path) -> None:
    """A bridge, off by default, with a hard sunset date; minted, listed with their use, and revoked."""
    mint = ("token", "static", "mint", "ci", "--tenant", "default", "--user", "ada@example.com", "--scope", "mcp mcp:read")
    refused = ascend(*mint, data_dir=data)
    assert refused.returncode == 1
    assert "ascend tenant set default --static-tokens-until" in refused.stderr
    assert ascend("tenant", "set", "default", "--static-tokens-until", "2999-12-31", data_dir=data).returncode == 0
    minted = ascend(*mint, data_dir=data)
    assert minted.stdout.startswith("asc_st_")
    token_id = minted.stderr.split()[0]
    listed = ascend("token", "static", "list", "--tenant", "default", "--json", data_dir=data)
    assert token_id in listed.stdout
    assert "not granted: mcp:raed" in ascend(*mint[:-1], "mcp mcp:raed", data_dir=data).stderr
    assert minted.stdout.strip() not in listed.stdout
    assert ascend("token", "static", "revoke", token_id, "--tenant", "default", data_dir=data).returncode == 0
    assert ascend("token", "static", "revoke", token_id, "--tenant", "default", data_dir=data).returncode == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("tenant", "set", "default"), "nothing to change"),
        (("tenant", "set", "default", "--plan", "gold"), "there are free, pro, enterprise, none"),
        (("tenant", "set", "default", "--static-tokens-until", "31.1.2027"), "use YYYY-MM-DD"),
        (("tenant", "set", "default", "--baseline", "mcp:read"), "cannot connect without 'mcp'"),
        (("token", "mint", "--tenant", "default"), "--user"),
        (("token", "mint", "--tenant", "default", "--user", "ada@example.com", "--ttl", "0"), "--ttl"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(data: Path, arguments: tuple[str, ...], says: str) -> None:
    """Contract: errors are one line that names the thing, the rule and the way out."""
    done = ascend(*arguments, data_dir=data)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert says in done.stderr
    assert "--help" in done.stderr


def test_a_token_without_the_scope_to_connect_comes_with_a_note(data: Path) -> None:
    """docs/guides/authorization.md: `mcp` is needed for everything else."""
    minted = ascend("token", "mint", "--tenant", "default", "--user", "ada@example.com", "--scope", "mcp:read", data_dir=data)
    assert minted.stdout.startswith("asc_at_")
    assert "403" in minted.stderr


def test_a_token_for_the_administration_is_an_administrators_and_lives_for_an_hour_at_most(data: Path) -> None:
    mint = ("token", "mint", "--tenant", "default", "--for", "admin", "--user")
    refused = ascend(*mint, "ada@example.com", data_dir=data)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "ada@example.com is no owner of tenant default" in refused.stderr
    person = ("user", "add", "grace@example.com", "--tenant", "default", "--admin", "--password-stdin")
    assert ascend(*person, data_dir=data, stdin="a long password\n").returncode == 0
    assert ascend(*mint, "grace@example.com", data_dir=data).stdout.startswith("asc_at_")
    assert ascend(*mint, "grace@example.com", "--ttl", "3601", data_dir=data).returncode == 2


def test_scopes_that_were_not_granted_are_named_with_their_reason(data: Path) -> None:
    """docs/guides/authorization.md: unknown scopes are dropped, and the answer says so; a token is all that stands on stdout."""
    ada = ("--tenant", "default", "--user", "ada@example.com")
    minted = ascend("token", "mint", *ada, "--scope", "mcp mcp:raed", data_dir=data)
    assert (minted.stdout.count("\n"), minted.stdout[:7]) == (1, "asc_at_")
    assert minted.stderr == "ascend: note: not granted: mcp:raed (no such scope; did you mean mcp:read?)\n"
    refused = ascend("token", "mint", *ada, "--scope", "crm:raed", data_dir=data)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "nothing to grant: crm:raed (no such scope" in refused.stderr
    assert ascend("user", "limit", "ada@example.com", "--scope", "mcp:read", data_dir=data).returncode == 0
    limited = ascend("token", "mint", *ada, "--scope", "mcp mcp:read mcp:write", data_dir=data)
    assert "not granted: mcp:write (the user may not use it)" in limited.stderr


def test_what_the_gateway_keeps_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    """Also in a data directory that was there before, with whatever mode."""
    tmp_path.chmod(0o755)
    assert ascend("tenant", "list", data_dir=tmp_path).returncode == 0
    assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir() if path.is_file()} == {0}
