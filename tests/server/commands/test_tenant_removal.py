"""`ascend tenant remove`: says what goes, asks, and takes all of it."""

import json
from pathlib import Path

import pytest

from tests.command_line import ascend_here


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in ("acme", "globex"):
        ascend_here("tenant", "add", name, data_dir=tmp_path)
        ascend_here("user", "add", f"ada@{name}.test", "--tenant", name, data_dir=tmp_path)
    return tmp_path


def test_a_dry_run_counts_and_a_removal_takes_what_it_counted(data: Path) -> None:
    counted = ascend_here("tenant", "remove", "acme", "--dry-run", data_dir=data)
    assert "1 subjects" in counted.stdout
    assert "acme" in ascend_here("tenant", "list", data_dir=data).stdout
    removed = ascend_here("tenant", "remove", "acme", "--yes", data_dir=data)
    assert removed.stdout.startswith(counted.stdout)
    assert "its name is free from 20" in removed.stdout
    listed = json.loads(ascend_here("tenant", "list", "--json", data_dir=data).stdout)
    assert {each["name"]: each["leaving"] for each in listed} == {"acme": True, "default": False, "globex": False}
    assert "tenant remove" in ascend_here("audit", "events", data_dir=data).stdout
    refused = ascend_here("tenant", "add", "acme", data_dir=data)
    assert refused.returncode == 1
    assert "the name is free from" in refused.stderr
    assert ascend_here("user", "list", "--tenant", "acme", data_dir=data).stdout.count("@") == 0


@pytest.mark.parametrize(("name", "why"), [("default", "the gateway's own tenant"), ("nobody", "no tenant 'nobody'")])
def test_a_tenant_that_stays_and_one_that_there_is_not_are_refused(data: Path, name: str, why: str) -> None:
    refused = ascend_here("tenant", "remove", name, "--yes", data_dir=data)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert why in refused.stderr


def test_who_does_not_say_yes_removes_nothing(data: Path) -> None:
    refused = ascend_here("tenant", "remove", "acme", data_dir=data)
    assert refused.returncode != 0
    assert "acme" in ascend_here("tenant", "list", data_dir=data).stdout
