"""Backups of a PostgreSQL: dumped in one snapshot, tried in a scratch database, restored into an empty one."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from tests.command_line import ascend_here
from tests.contracts.postgres import postgres_server


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    with postgres_server() as url:
        yield url


def database(server_url: str, name: str) -> str:
    """Make an empty database and return its URL as a person writes it."""
    engine = create_engine(server_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    engine.dispose()
    return make_url(server_url).set(database=name, drivername="postgresql").render_as_string(hide_password=False)


def test_a_postgresql_is_dumped_tried_and_restored(server_url: str, tmp_path: Path) -> None:
    """By pg_dump and pg_restore; the drill and the restore take an empty database and no other."""
    live, scratch, empty = (database(server_url, name) for name in ("live", "scratch", "empty"))
    here = {"ASCEND_DATABASE_URL": live}
    assert ascend_here("tenant", "add", "acme", data_dir=tmp_path, environ=here).returncode == 0
    made = ascend_here("backup", "init", "--json", data_dir=tmp_path, environ=here)
    (tmp_path / "recovery.key").write_text(json.loads(made.stdout)[0]["recovery_key"])
    made = ascend_here("backup", "create", "--lean", "--json", data_dir=tmp_path, environ=here)
    assert made.returncode == 0, made.stderr
    backup = json.loads(made.stdout)[0]["backup"]
    assert "name one with --scratch-url" in ascend_here("backup", "drill", data_dir=tmp_path, environ=here).stderr
    assert "tables; name an empty one" in ascend_here("backup", "drill", "--scratch-url", live, data_dir=tmp_path, environ=here).stderr
    tried = ascend_here("backup", "drill", "--scratch-url", scratch, "--json", data_dir=tmp_path, environ=here)
    assert tried.returncode == 0, tried.stderr
    key = ("--key", str(tmp_path / "recovery.key"))
    refused = ascend_here("backup", "restore", backup, *key, data_dir=tmp_path / "b", environ=here, is_first_start=True)
    assert "tables already; name an empty one" in refused.stderr
    refused = ascend_here("backup", "restore", backup, *key, data_dir=tmp_path / "c", is_first_start=True)
    assert "the backup is of a postgresql store" in refused.stderr
    there = {"ASCEND_DATABASE_URL": empty}
    done = ascend_here("backup", "restore", backup, *key, data_dir=tmp_path / "d", environ=there, is_first_start=True)
    assert done.returncode == 0, done.stderr
    assert "acme" in ascend_here("tenant", "list", data_dir=tmp_path / "d", environ=there, is_first_start=True).stdout
    assert ascend_here("audit", "verify", data_dir=tmp_path / "d", environ=there, is_first_start=True).returncode == 0
