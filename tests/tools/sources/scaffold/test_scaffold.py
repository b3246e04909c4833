"""A provider is begun from its document: the files fit together, and the test that they bring passes."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from oauth.connections.provider import parse
from tests.command_line import answered, ascend_here
from tests.forked.module import ForkedModule
from tools.sources.scaffold.provider_file import provider_file

KLAVIYO = Path(__file__).parent / "klaviyo.json"


def scaffolded(tmp_path: Path, document: Path, *words: str) -> dict[str, Any]:
    said = ascend_here("provider", "scaffold", "--openapi", str(document), "--json", *words, data_dir=tmp_path / "data")
    row: dict[str, Any] = answered(said)
    return row


def run_its_test(folder: Path) -> None:
    """Run the test as its owner does, who has the gateway installed."""
    [test] = folder.glob("test_*_contract.py")
    process = ForkedModule("pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), "-c", "/dev/null", str(test))
    told = process.communicate()
    assert process.returncode == 0, told
    assert "4 passed" in told


def test_add_klaviyo(tmp_path: Path) -> None:
    """Issue 16, 7: pages, provider file, contract test, index entry; and what to do next."""
    folder = tmp_path / "klaviyo"
    made = scaffolded(tmp_path, KLAVIYO, "--into", str(folder))
    assert (made["provider"], made["operations"], made["skipped"]) == ("klaviyo", 3, [])
    assert sorted(made["written"]) == [
        "TOOLS.md",
        "klaviyo.yaml",
        "openapi.json",
        "pages/klaviyo.profiles.create.md",
        "pages/klaviyo.profiles.delete.md",
        "pages/klaviyo.profiles.list.md",
        "test_klaviyo_contract.py",
    ]
    provider = parse(yaml.safe_load((folder / "klaviyo.yaml").read_text()), {}, "klaviyo.yaml")
    assert (provider.auth, provider.token_url) == ("oauth2", "https://a.klaviyo.com/oauth/token")
    assert provider.scope_words["profiles:read"] == "See profiles"
    assert (
        "[`klaviyo.profiles.delete`](pages/klaviyo.profiles.delete.md) | destructive | Delete a profile |"
        in (folder / "TOOLS.md").read_text()
    )
    run_its_test(folder)
    imported = made["next"][0].removeprefix("ascend ").split()
    assert ascend_here(*imported, data_dir=tmp_path / "data").returncode == 0


def test_what_somebody_corrected_is_not_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "klaviyo"
    scaffolded(tmp_path, KLAVIYO, "--into", str(folder))
    assert scaffolded(tmp_path, KLAVIYO, "--into", str(folder))["written"] == []
    page = folder / "pages" / "klaviyo.profiles.list.md"
    page.write_text(page.read_text().replace("List profiles", "Find people"))
    (folder / "klaviyo.yaml").unlink()
    words = ("provider", "scaffold", "--openapi", str(KLAVIYO), "--into", str(folder))
    refused = ascend_here(*words, data_dir=tmp_path / "data")
    assert refused.returncode == 1
    assert "klaviyo.profiles.list.md says something else; nothing was written: --force replaces it" in refused.stderr
    assert not (folder / "klaviyo.yaml").exists()
    run_its_test(folder)
    assert ascend_here(*words, "--force", data_dir=tmp_path / "data").returncode == 0
    assert "List profiles" in page.read_text()


def test_pages_of_operations_that_are_gone_go_only_when_told(tmp_path: Path) -> None:
    folder = tmp_path / "klaviyo"
    scaffolded(tmp_path, KLAVIYO, "--into", str(folder))
    fewer = ("--into", str(folder), "--include", "*.list")
    refused = ascend_here("provider", "scaffold", "--openapi", str(KLAVIYO), *fewer, data_dir=tmp_path / "data")
    assert (refused.returncode, "--force" in refused.stderr) == (1, True)
    made = scaffolded(tmp_path, KLAVIYO, *fewer, "--force")
    assert made["removed"] == ["pages/klaviyo.profiles.create.md", "pages/klaviyo.profiles.delete.md"]
    run_its_test(folder)


@pytest.mark.parametrize(
    ("schemes", "auth"),
    [
        ({}, None),
        ({"b": {"type": "http", "scheme": "bearer"}}, "api_key"),
        ({"b": {"type": "http", "scheme": "Basic"}}, "basic"),
        ({"o": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://x.test/t", "scopes": {}}}}}, "client_credentials"),
        ({"o": {"type": "oauth2", "flows": {"authorizationCode": {"authorizationUrl": "/a", "tokenUrl": "/t", "scopes": {}}}}}, "api_key"),
        ({"o": {"type": "oauth2", "flows": "none"}, "x": None}, "api_key"),
    ],
)
def test_how_accounts_are_connected_follows_from_what_is_declared(schemes: dict[str, Any], auth: str | None) -> None:
    made = provider_file("acme", "Acme: the # of APIs", schemes)
    assert (None if made is None else yaml.safe_load(made)["auth"]) == auth


def test_a_key_in_the_address_of_a_document_is_not_written_down() -> None:
    made = provider_file("acme", "Acme", {"b": {"type": "http"}}, "https://ada:pw@api.acme.test/openapi.json?key=hunter2#x")
    assert made is not None
    assert yaml.safe_load(made)["docs"] == ["https://api.acme.test/openapi.json"]


def test_a_document_that_is_none_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"openapi": "3.0.0", "info": {"title": "X", "version": "1"}, "paths": {}}')
    for source in ("x.json", "nowhere.json"):
        said = ascend_here("provider", "scaffold", "--openapi", str(tmp_path / source), data_dir=tmp_path / "data")
        assert (said.returncode, len(said.stderr.splitlines())) == (1, 1)


def test_a_real_document_comes_with_a_test_that_passes(tmp_path: Path, shared_data: Path) -> None:
    """Discord's: OpenAPI 3.1, schemes of three kinds."""
    folder = tmp_path / "discord"
    document = shared_data / "specs" / "discord.json"
    made = scaffolded(tmp_path, document, "--provider", "discord", "--into", str(folder), "--include", "/channels/*")
    assert made["operations"] > 20
    run_its_test(folder)
