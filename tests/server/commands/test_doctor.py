"""`ascend doctor`: what it looks at is what the running gateway meets."""

import json
import sqlite3
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from server.cli import ascend
from server.config.load import load
from server.config.served_at import remember_served
from server.demo import app as demo
from tests.server.demo.listening import listening
from tests.shared_redis.server import redis_server


def findings(data: Path, **environment: str) -> dict[str, dict[str, object]]:
    """Return what the doctor says, by what it looked at."""
    shown = CliRunner().invoke(ascend, ["doctor", "--json", "--data", str(data)], env=environment)
    return {each["what"]: each for each in json.loads(shown.stdout)}


def import_document(data: Path, source: str) -> str:
    done = CliRunner().invoke(ascend, ["import", "openapi", source, "--provider", "crm", "--shared", "--data", str(data)])
    assert done.exit_code == 0, done.output
    return done.output


def test_what_the_running_gateway_may_call_is_no_trouble_in_another_shell(tmp_path: Path) -> None:
    """docs/guides/operations.md, Settings: commands look at what the last `serve` let through, as `--demo` does its CRM."""
    with listening(demo.build()) as url:
        authority = urlsplit(url).netloc
        assert f"start the gateway with {authority} in ASCEND_EGRESS_ALLOW" in import_document(tmp_path, f"{url}/openapi.json")
        refused = findings(tmp_path)["upstream"]
        assert (refused["ok"], f"start the gateway with {authority} in" in str(refused["advice"])) == (False, True)
        remember_served(load(tmp_path, {"ASCEND_EGRESS_ALLOW": f"crm.internal:*,{authority}"}))
        assert "ASCEND_EGRESS_ALLOW" not in import_document(tmp_path, f"{url}/openapi.json")
        assert findings(tmp_path)["upstream"]["ok"]
        remember_served(load(tmp_path, {}))
        assert not findings(tmp_path)["upstream"]["ok"]


def test_an_exception_of_the_last_start_is_none_of_the_next(tmp_path: Path) -> None:
    """What was let through once is not let through for good: commands look at it, the gateway does not."""
    remember_served(load(tmp_path, {"ASCEND_EGRESS_ALLOW": "crm.internal:443"}))
    settings = load(tmp_path, {})
    assert (settings.egress.egress_allow, settings.egress_allow_beside) == ((), ("crm.internal:443",))


@pytest.mark.parametrize(("url", "advice"), [("http://crm.example:99999/v1", "--base-url"), ("https://127.0.0.1/v1", "127.0.0.1:443 in")])
def test_the_way_out_fits_the_address(tmp_path: Path, url: str, advice: str) -> None:
    """No setting makes a URL of what is none; an address without a port is allowed with its scheme's."""
    (tmp_path / "api.json").write_text(
        json.dumps(
            {
                "openapi": "3.0.3",
                "info": {"title": "A", "version": "1"},
                "servers": [{"url": url}],
                "paths": {"/things": {"get": {"responses": {"200": {"description": "all"}}}}},
            }
        ),
        encoding="utf-8",
    )
    assert advice in import_document(tmp_path, str(tmp_path / "api.json"))
    assert advice in str(findings(tmp_path)["upstream"]["advice"])


def test_a_variable_that_sets_nothing_is_named(tmp_path: Path) -> None:
    """The file refuses a name it does not know; a misspelled variable would be found out at the first call."""
    said = findings(tmp_path, ASCEND_EGRESS_ALOW="crm.internal:443")["settings"]
    assert (said["state"], said["advice"]) == ("ASCEND_EGRESS_ALOW sets nothing", "did you mean ASCEND_EGRESS_ALLOW?")
    assert "docs/guides/operations.md" in str(findings(tmp_path, ASCEND_QQ="1")["settings"]["advice"])


def test_a_gateway_for_others_says_which_environment_it_is(tmp_path: Path) -> None:
    """Operations contract, Settings: https without ASCEND_ENV. Saying `development` on purpose is an answer, too."""
    silent = findings(tmp_path, ASCEND_BASE_URL="https://gateway.example.com")["environment"]
    assert "set ASCEND_ENV=production" in str(silent["advice"])
    said = findings(tmp_path, ASCEND_BASE_URL="https://gateway.example.com", ASCEND_ENV="development")["environment"]
    assert (said["ok"], said["state"]) == (True, "development")


def test_a_section_that_this_release_does_not_take_is_named(tmp_path: Path) -> None:
    assert findings(tmp_path)["configuration"]["state"] == "as built in"
    with sqlite3.connect(tmp_path / "ascend.sqlite3") as store:
        store.execute("""INSERT INTO config_versions VALUES (1, '{"moons": {"x": 1}}', 'a later release', 1)""")
    found = findings(tmp_path)["configuration"]
    assert (found["ok"], found["state"]) == (False, "version 1, without moons")
    assert "no such section in this release" in str(found["advice"])


@pytest.mark.parametrize("is_running", [True, False])
def test_a_redis_that_is_away_is_named_without_its_password(tmp_path: Path, is_running: bool) -> None:
    with redis_server(tmp_path / "redis", "--requirepass", "s3cret") as redis:
        if not is_running:
            redis.kill()
        found = findings(tmp_path / "data", ASCEND_REDIS_URL=redis.url.replace("://", "://:s3cret@"))
    assert found["redis"]["ok"] == is_running
    assert "s3cret" not in str(found)
    assert ("ASCEND_REDIS_URL" in str(found["redis"]["advice"])) != is_running
