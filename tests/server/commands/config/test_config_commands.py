"""`ascend config`: shown, applied, compared, listed, taken back."""

import json
import sqlite3
from pathlib import Path

import pytest

from tests.command_line import answered, ascend_here


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def written(folder: Path, text: str) -> str:
    path = folder.parent / "gateway.toml"
    path.write_text(text)
    return str(path)


def test_a_file_is_applied_shown_compared_and_taken_back(folder: Path) -> None:
    nothing = ascend_here("config", "show", data_dir=folder)
    assert nothing.stdout == "# version 0: what is built in\n"
    file = written(folder, "[retention]\ncalls_days = 7\n")
    assert ascend_here("config", "diff", file, data_dir=folder).stdout == "+ retention.calls_days = 7\n"
    would = ascend_here("config", "apply", file, "--dry-run", data_dir=folder)
    assert would.stdout == "+ retention.calls_days = 7\n1 values would change; version 0 stays in force\n"
    assert answered(ascend_here("config", "apply", file, "--json", data_dir=folder)) == {
        "version": 1,
        "applied": True,
        "changes": ["+ retention.calls_days = 7"],
    }
    again = ascend_here("config", "apply", file, data_dir=folder)
    assert again.stdout == "nothing changes; version 1 says the same\n"
    shown = ascend_here("config", "show", data_dir=folder).stdout
    assert shown.startswith("# version 1, applied ")
    assert shown.endswith("[retention]\ncalls_days = 7\n")
    assert answered(ascend_here("config", "show", "--all", "--json", data_dir=folder))["config"]["retention"]["audit_days"] == 400
    written(folder, "[retention]\ncalls_days = 8\n")
    late = ascend_here("config", "apply", file, "--after", "0", data_dir=folder)
    assert (late.returncode, late.stderr) == (1, "ascend: version 1 is in force by now; look at it, then apply again\n")
    assert ascend_here("config", "apply", file, "--after", "1", data_dir=folder).returncode == 0
    assert ascend_here("config", "diff", "1", data_dir=folder).stdout == "~ retention.calls_days: 7 → 8\n"
    assert ascend_here("config", "diff", "2", "1", data_dir=folder).stdout == "~ retention.calls_days: 8 → 7\n"
    assert answered(ascend_here("config", "rollback", "1", "--json", data_dir=folder)) == {"version": 3, "same_as": 1}
    history = answered(ascend_here("config", "history", "--json", data_dir=folder))
    assert [(each["version"], each["changes"]) for each in history] == [(3, 1), (2, 1), (1, 1)]
    events = answered(ascend_here("audit", "events", "--json", "--changes-only", data_dir=folder))
    assert [each["action"] for each in events] == ["config rollback", "config apply", "config apply"]
    assert events[1]["details"]["change 1"] == "~ retention.calls_days: 7 → 8"


def test_a_file_with_faults_changes_nothing_and_says_them_all(folder: Path) -> None:
    file = written(folder, '[retention]\ncalls_day = 7\naudit_days = 1\nnote = "xoxb-1234567890-abcdefghij"\n')
    said = ascend_here("config", "apply", file, data_dir=folder)
    assert said.returncode == 1
    assert "4 faults, nothing was changed" in said.stderr
    assert "retention.calls_day: no such name; did you mean 'calls_days'?" in said.stderr
    assert "xoxb" not in said.stderr + said.stdout
    assert answered(ascend_here("config", "history", "--json", data_dir=folder)) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("rollback", "5"), "no version 5; the newest is 0"),
        (("show", "--version", "5"), "no version 5; the newest is 0"),
        (("diff", "5"), "no version 5; the newest is 0"),
        (("diff", "nowhere.toml"), "'nowhere.toml' is no version's number, and no file that can be read"),
        (("diff", "."), "no file that can be read"),
        (("apply", "nowhere.toml"), "nowhere.toml"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(folder: Path, words: tuple[str, ...], says: str) -> None:
    said = ascend_here("config", *words, data_dir=folder)
    assert said.returncode in (1, 2)
    assert says in said.stderr
    assert len(said.stderr.splitlines()) == 1


def test_what_a_later_release_applied_is_shown_as_far_as_it_is_known(folder: Path) -> None:
    assert ascend_here("config", "show", data_dir=folder).returncode == 0
    with sqlite3.connect(folder / "ascend.sqlite3") as store:
        store.execute("""INSERT INTO config_versions VALUES (1, '{"moons": {"x": 1}, "retention": {"calls_days": 3}}', 'later', 1)""")
    said = ascend_here("config", "show", "--all", "--json", data_dir=folder)
    assert json.loads(said.stdout)["config"]["retention"]["calls_days"] == 3
    assert said.stderr == "ascend: note: this release does not take moons: no such section in this release\n"
    refused = ascend_here("config", "rollback", "1", data_dir=folder)
    assert (refused.returncode, "version 1: 1 fault, nothing was changed" in refused.stderr) == (1, True)
