"""What an operator may set, and what a wrong setting or an unusable store says."""

import json
import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server.cli import ascend, main
from server.config.errors import SettingsError
from server.config.load import load
from server.config.settings import DECLARED, SECTIONS, declared_in

PASSWORD = "hunter2-hunter2"


def run(folder: Path, *arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(ascend, [*arguments, "--data", str(folder)], env=environment)


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "0", "soon"])
@pytest.mark.parametrize("name", ["code_ttl_s", "access_token_ttl_s", "rate_limit_scale"])
def test_a_number_that_would_switch_a_limit_off_is_refused(tmp_path: Path, name: str, text: str) -> None:
    """A code that expires at "not a number" never expires: every comparison with it is false."""
    variable = f"ASCEND_{name.upper()}"
    with pytest.raises(SettingsError, match=f"{variable}: .* is not a number"):
        load(tmp_path, {variable: text})


def test_a_grace_of_nothing_is_a_choice(tmp_path: Path) -> None:
    """Contract: ASCEND_REFRESH_GRACE_S overrides every client kind; 0 means no grace."""
    assert load(tmp_path, {"ASCEND_REFRESH_GRACE_S": "0"}).authorization.refresh_grace_s == 0
    with pytest.raises(SettingsError, match="0 or more"):
        load(tmp_path, {"ASCEND_REFRESH_GRACE_S": "-1"})


@pytest.mark.parametrize("entry", ["crm", "http://crm:80", "crm:", "crm:https", "*", "a b:80", "u@crm:80"])
def test_an_egress_entry_without_host_and_port_is_refused(tmp_path: Path, entry: str) -> None:
    """Contract: comma-separated host:port, port may be *; one that never matches would be found out at the first call."""
    with pytest.raises(SettingsError, match="is not host:port"):
        load(tmp_path, {"ASCEND_EGRESS_ALLOW": f"127.0.0.1:*,{entry}"})


def test_egress_entries_are_names_addresses_and_ports(tmp_path: Path) -> None:
    """Contract: ASCEND_EGRESS_ALLOW."""
    assert load(tmp_path, {"ASCEND_EGRESS_ALLOW": "127.0.0.1:*, [::1]:80,crm.internal:8443"}).egress.egress_allow == (
        "127.0.0.1:*",
        "[::1]:80",
        "crm.internal:8443",
    )


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://gw.example.test:443", "https://gw.example.test"),
        ("https://gw.example.test:8443/", "https://gw.example.test:8443"),
        ("http://LOCALHOST:80", "http://localhost"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_base_url_is_written_as_browsers_write_an_origin(tmp_path: Path, given: str, origin: str) -> None:
    """clients.md, CL06: with the default port in it every form was taken for one of another site."""
    assert load(tmp_path, {"ASCEND_BASE_URL": given}).base_url == origin
    assert load(tmp_path, {}).at(given).base_url == origin


@pytest.mark.parametrize("given", ["https://gw.example.test:99999", "https://u:p@gw.example.test", "https://gw.example.test:a", "https://"])
def test_a_base_url_that_is_no_origin_is_refused(tmp_path: Path, given: str) -> None:
    """It is compared with what browsers send, which is never that."""
    with pytest.raises(SettingsError, match="is not an origin"):
        load(tmp_path, {"ASCEND_BASE_URL": given})


def test_allowed_origins_are_origins(tmp_path: Path) -> None:
    """clients.md, CL29; `null` would let every sandboxed page in, `*` every page."""
    given = {"ASCEND_ALLOWED_ORIGINS": "https://app.example.com, vscode-webview://abc"}
    assert load(tmp_path, given).origin.allowed_origins == ("https://app.example.com", "vscode-webview://abc")
    for entry in ("null", "*", "app.example.com", "https://app.example.com/x", "https://*.example.com"):
        with pytest.raises(SettingsError, match=r"ASCEND_ALLOWED_ORIGINS: .* is not an origin"):
            load(tmp_path, {"ASCEND_ALLOWED_ORIGINS": entry})


def test_a_log_format_that_there_is_not_is_refused(tmp_path: Path) -> None:
    """docs/guides/operations.md: text or json; a collector that expects JSON would be found out by what it lost."""
    with pytest.raises(SettingsError, match="ASCEND_LOG_FORMAT: 'xml' is not text or json"):
        load(tmp_path, {"ASCEND_LOG_FORMAT": "xml"})


@pytest.mark.parametrize(
    "line", ["code_ttl_s = '60'", "code_ttl_s = true", "base_url = 5", "conformance_fixtures = 'no'", "egress_allow = [5]"]
)
def test_the_file_is_held_to_the_same_rules(tmp_path: Path, line: str) -> None:
    """TOML has types of its own; a wrong one must not fail later, in the middle of a request."""
    (tmp_path / "ascend.toml").write_text(line)
    with pytest.raises(SettingsError, match=line.partition(" ")[0].upper()):
        load(tmp_path, {})


def test_all_wrong_settings_are_named_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever sets up a gateway corrects them in one go; each has its line on stderr."""
    (tmp_path / "ascend.toml").write_text("code_ttl_s = 0\nmetrics_token = 12345\n")
    monkeypatch.setenv("ASCEND_BASE_URL", "http://192.168.1.5")
    monkeypatch.setenv("ASCEND_DATABASE_URL", f"mysql://ascend:{PASSWORD}@db/x")
    monkeypatch.setattr(sys, "argv", ["ascend", "tenant", "list", "--data", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert re.findall(r"^ascend: (ASCEND_\w+): ", said, re.MULTILINE) == [
        "ASCEND_CODE_TTL_S",
        "ASCEND_METRICS_TOKEN",
        "ASCEND_DATABASE_URL",
        "ASCEND_BASE_URL",
    ]
    assert "12345" not in said
    assert PASSWORD not in said


def test_a_redis_is_given_by_its_url(tmp_path: Path) -> None:
    """What is none may hold a password all the same."""
    with pytest.raises(SettingsError, match=r"ASCEND_REDIS_URL: .*rediss:// for TLS") as refused:
        load(tmp_path, {"ASCEND_REDIS_URL": f"http://ada:{PASSWORD}@cache:6379"})
    assert PASSWORD not in str(refused.value)
    for url in ("redis://cache:6379/0", f"rediss://ada:{PASSWORD}@cache", "unix:///run/redis.sock"):
        assert load(tmp_path, {"ASCEND_REDIS_URL": url}).store.redis_url == url


def test_one_entry_of_a_list_may_stand_alone_in_the_file(tmp_path: Path) -> None:
    """Taken letter by letter it would allow nothing, and say nothing."""
    (tmp_path / "ascend.toml").write_text('egress_allow = "crm.internal:443"')
    assert load(tmp_path, {}).egress.egress_allow == ("crm.internal:443",)


def test_every_setting_has_a_name_and_a_variable_of_its_own() -> None:
    """In the file and on the way through `load` there are no sections, so a plane's setting must not hide another's."""
    variables = [declared.variable for section in SECTIONS.values() for declared in declared_in(section).values()]
    assert len(DECLARED) == len(set(variables)) == len(variables)


@pytest.mark.parametrize("name", DECLARED)
def test_what_a_setting_is_by_itself_is_a_value_that_may_be_given(name: str) -> None:
    """A default is never read or checked otherwise."""
    declared = DECLARED[name]
    if declared.default not in ("", None):
        assert declared.kind.checked(declared.default) == declared.default


def test_the_settings_that_hold_are_shown_without_secrets(tmp_path: Path) -> None:
    """`ascend settings`, for people and for programs."""
    given = {"ASCEND_METRICS_TOKEN": PASSWORD, "ASCEND_DATABASE_URL": f"postgresql://a:{PASSWORD}@db/x", "ASCEND_CODE_TTL_S": "45"}
    shown = run(tmp_path, "settings", **given).output
    assert PASSWORD not in shown
    rows = {row["variable"]: row["value"] for row in json.loads(run(tmp_path, "settings", "--json", **given).output)}
    assert set(rows) == {"ASCEND_DATA_DIR", *(declared.variable for declared in DECLARED.values())}
    assert (rows["ASCEND_CODE_TTL_S"], rows["ASCEND_METRICS_TOKEN"], rows["ASCEND_VAULT_KEK"]) == (45.0, "(set)", "")
    assert rows["ASCEND_TRUSTED_PROXIES"] == "127.0.0.0/8, ::1"


@pytest.mark.parametrize("port", ["1", "abc"])
def test_a_database_that_does_not_answer_is_one_line_without_its_password(tmp_path: Path, port: str) -> None:
    """Contract: errors are one line that names the thing, the rule and the way out."""
    result = run(tmp_path, "tenant", "list", ASCEND_DATABASE_URL=f"postgresql://ascend:{PASSWORD}@127.0.0.1:{port}/x")
    assert isinstance(result.exception, SettingsError)
    message = str(result.exception)
    assert "correct ASCEND_DATABASE_URL" in message
    assert "\n" not in message
    assert PASSWORD not in message


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    """The way out is a backup, or another directory."""
    (tmp_path / "ascend.sqlite3").write_bytes(b"not a database, but long enough to be taken for one" * 4)
    result = run(tmp_path, "tenant", "list")
    assert isinstance(result.exception, SettingsError)
    assert str(tmp_path / "ascend.sqlite3") in str(result.exception)


@pytest.mark.parametrize("command", [["index", "eval", "nowhere"], ["demo-upstream", "--port", "-1"]])
def test_commands_without_state_take_the_data_directory_too(tmp_path: Path, command: list[str]) -> None:
    """Contract: all commands take --data, so that scripts can pass it everywhere."""
    assert "No such option" not in run(tmp_path, *command).output


@pytest.mark.parametrize("arguments", [[], ["tenant"]])
def test_a_group_without_a_command_shows_its_help(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Contract: exit 2 is wrong usage; the help stands there as it is, not as the text of an error."""
    monkeypatch.setattr(sys, "argv", ["ascend", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("Usage: ")
