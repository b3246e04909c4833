"""`ascend alert`, typed beside a gateway that was started once."""

import json
from pathlib import Path
from typing import Any

import pytest

from server.alerts.catalogue import KINDS
from tests.command_line import ascend_here
from tests.empty_store import put_data_directory


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return put_data_directory(tmp_path / "data")


def run(data_dir: Path, *words: str, code: int = 0) -> str:
    said = ascend_here("alert", *words, data_dir=data_dir)
    assert said.returncode == code, said
    return said.stdout + said.stderr


def rows(data_dir: Path, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(data_dir, *words, "--json"))
    return found


def test_a_silence_is_made_listed_and_ended_and_each_is_on_record(data_dir: Path) -> None:
    """Operations contract: every command that changes something leaves one row in `/admin/audit`."""
    made = json.loads(run(data_dir, "silence", "--rule", "disk", "--label", "node=a", "--for", "3d", "--why", "moving", "--json"))
    assert (made["matches"], made["why"]) == ("rule=disk node=a", "moving")
    (listed,) = rows(data_dir, "list", "--silences")
    assert listed == made
    assert run(data_dir, "silence", "--end", made["silence"]) == f"silence {made['silence']} is over\n"
    assert "holds" in run(data_dir, "silence", "--end", made["silence"], code=1)
    audit = json.loads(ascend_here("audit", "events", "--json", data_dir=data_dir).stdout)
    assert [each["action"] for each in audit].count("alert silence") == 2


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("--rule", "dsik", "--why", "x"), "there is no rule 'dsik'; there are store-down", 1),
        (("--rule", "disk", "--why", "  "), "a silence says why", 1),
        (("--rule", "disk", "--for", "31d", "--why", "x"), "a silence ends within 30 days", 1),
        (("--label", "Node=a", "--why", "x"), "'Node' is no label with a value", 1),
        (("--label", "node", "--why", "x"), "write it like tenant=acme", 2),
        (("--why", "x"), "say what is silenced and why", 2),
        (("--rule", "disk"), "say what is silenced and why", 2),
    ],
)
def test_what_a_silence_lacks_is_said_with_the_way_out(data_dir: Path, words: tuple[str, ...], said: str, code: int) -> None:
    assert said in run(data_dir, "silence", *words, code=code)


def test_rules_are_listed_with_their_thresholds(data_dir: Path) -> None:
    found = {each["rule"]: each for each in rows(data_dir, "rules")}
    assert set(found) == set(KINDS)
    assert (found["error-rate"]["on"], found["budget"]["thresholds"]) == ("yes", "usd=100/300/500")


def test_without_sinks_there_is_nothing_to_try(data_dir: Path) -> None:
    assert "no sink is set; section [alerts]" in run(data_dir, "test", code=1)
    assert "no sink 'ops'; there are none" in run(data_dir, "test", "ops", code=1)


def test_lists_of_a_gateway_where_nothing_happened_say_so(data_dir: Path) -> None:
    assert "nothing holds" in run(data_dir, "list", "--all")
    assert rows(data_dir, "deliveries") == []
