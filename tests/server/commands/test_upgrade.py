"""`ascend upgrade`: what would be done is said first, and what cannot be done in one line."""

import sqlite3
from pathlib import Path

import pytest

from server.storage.migrate import STATE
from tests.command_line import answered, ascend_here


def _at(folder: Path, statement: str) -> None:
    with sqlite3.connect(folder / "ascend.sqlite3") as store:
        store.execute(statement)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    assert ascend_here("tenant", "list", data_dir=data).returncode == 0
    return data


def test_a_store_of_this_version_has_nothing_to_do(folder: Path) -> None:
    said = answered(ascend_here("upgrade", "--check", "--json", data_dir=folder))
    assert (said["store"]["steps"], said["history"]["steps"], said["troubles"], said["done"]) == ([], [], [], False)
    assert "nothing to do" in ascend_here("upgrade", data_dir=folder).stdout


def test_what_is_ahead_is_said_and_nothing_is_changed(folder: Path) -> None:
    newest = STATE.names()[-1]
    # Whatever the newest step adds is there already: looking must not try to add it.
    _at(folder, f"UPDATE alembic_version SET version_num = '{STATE.names()[-2][1:5]}'")
    for _ in range(2):
        assert answered(ascend_here("upgrade", "--check", "--json", data_dir=folder))["store"]["steps"] == [newest]
    assert not list(folder.glob("before-*"))


def test_older_code_on_a_newer_store_says_so_in_one_line(folder: Path) -> None:
    _at(folder, "UPDATE alembic_version SET version_num = '9999'")
    assert "9999, of a newer version that works with this one" in ascend_here("upgrade", "--check", data_dir=folder).stdout
    _at(folder, "UPDATE store_facts SET value = '9998' WHERE name = 'works_with:alembic_version'")
    for words in (("upgrade", "--check"), ("upgrade",), ("tenant", "list")):
        said = ascend_here(*words, data_dir=folder)
        assert (said.returncode, len(said.stderr.splitlines())) == (1, 1)
        assert "is of a newer version (revision 9999" in said.stderr


def test_a_configuration_that_this_version_refuses_is_in_the_way(folder: Path) -> None:
    _at(folder, """INSERT INTO config_versions VALUES (1, '{"moons": {"x": 1}}', 'a later release', 1)""")
    said = ascend_here("upgrade", "--check", data_dir=folder)
    assert said.returncode == 1
    assert "moons: no such section" in said.stderr
