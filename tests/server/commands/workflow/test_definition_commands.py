"""`ascend workflow apply|definitions|show-definition|remove-definition`."""

from pathlib import Path

import pytest

from tests.command_line import Said, answered, ascend_here

PLAN = """
workflow: noted
title: Notes what it was given
steps:
  - id: told
    api: context_assert
    args: {facts: [{subject: {$ref: input.name}, predicate: seen, value: "yes"}], episode: {source: test, source_id: {$ref: input.name}}}
"""


def workflow(data: Path, *words: str, stdin: str = "") -> Said:
    return ascend_here("workflow", *words, data_dir=data, stdin=stdin)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workflow") / "data"
    assert workflow(folder, "apply", "-", stdin=PLAN).returncode == 0
    return folder


def test_the_same_file_again_changes_nothing(data: Path) -> None:
    said = answered(workflow(data, "apply", "-", "--json", stdin=PLAN))
    assert said == {"workflow": "noted", "version": 1, "applied": True, "changed": False, "notes": []}
    assert "says the same" in workflow(data, "apply", "-", stdin=PLAN).stdout


def test_a_definition_is_listed_and_printed_as_a_file(data: Path) -> None:
    [row] = answered(workflow(data, "definitions", "--json"))
    assert (row["workflow"], row["version"], row["title"], row["steps"]) == ("noted", 1, "Notes what it was given", 1)
    printed = workflow(data, "show-definition", "noted").stdout
    assert answered(workflow(data, "apply", "-", "--json", stdin=printed))["changed"] is False
    assert answered(workflow(data, "show-definition", "noted", "--version", "1", "--json"))["definition"]["workflow"] == "noted"
    assert "workflow definitions" in workflow(data, "show-definition", "noted", "--version", "7").stderr


def test_faults_are_told_with_their_lines_and_nothing_changes(data: Path) -> None:
    said = workflow(data, "apply", "-", stdin=PLAN.replace("context_assert", "context_asert").replace("input.name", "imput.name"))
    assert said.returncode == 1
    assert "3 faults, nothing was changed" in said.stderr
    assert "line 6: steps[0].api" in said.stderr
    assert "did you mean" in said.stderr
    assert answered(workflow(data, "definitions", "--json"))[0]["version"] == 1


def test_a_dry_run_keeps_nothing(data: Path) -> None:
    said = workflow(data, "apply", "-", "--dry-run", stdin=PLAN.replace("noted", "other"))
    assert (said.returncode, "nothing wrong; nothing was changed" in said.stdout) == (0, True)
    assert len(answered(workflow(data, "definitions", "--json"))) == 1


def test_the_gateways_own_names_are_taken(data: Path) -> None:
    said = workflow(data, "apply", "-", stdin=PLAN.replace("noted", "token-health", 1))
    assert (said.returncode, "brings along" in said.stderr) == (1, True)


def test_tenants_are_apart(data: Path) -> None:
    assert ascend_here("tenant", "add", "acme", data_dir=data).returncode == 0
    assert answered(workflow(data, "definitions", "--tenant", "acme", "--json")) == []
    assert workflow(data, "show-definition", "noted", "--tenant", "acme").returncode == 1
    assert workflow(data, "remove-definition", "noted", "--tenant", "acme").returncode == 1
    said = workflow(data, "apply", "-", "--as", "nobody@example.com", stdin=PLAN)
    assert (said.returncode, "no user 'nobody@example.com'" in said.stderr) == (1, True)


def test_a_schedule_is_set_with_its_workflow(data: Path) -> None:
    """For the person who applies it."""
    assert ascend_here("user", "add", "ada@example.com", "--tenant", "default", data_dir=data).returncode == 0
    text = PLAN.replace("noted", "nightly", 1) + "schedule: {cron: '0 3 * * *', zone: Europe/Berlin, given: {name: Kahuna}}\n"
    refused = workflow(data, "apply", "-", stdin=text)
    assert (refused.returncode, "--as EMAIL" in refused.stderr) == (1, True)
    assert workflow(data, "apply", "-", "--as", "ada@example.com", stdin=text).returncode == 0
    rows = {row["name"]: row for row in answered(ascend_here("schedule", "list", "--json", data_dir=data))}
    assert (rows["nightly"]["workflow"], rows["nightly"]["cron"], rows["nightly"]["zone"]) == ("nightly", "0 3 * * *", "Europe/Berlin")
    assert workflow(data, "remove-definition", "nightly").returncode == 0


def test_a_definition_is_removed(data: Path) -> None:
    """The last of these tests: the others need it."""
    assert workflow(data, "remove-definition", "noted").returncode == 0
    assert answered(workflow(data, "definitions", "--json")) == []
