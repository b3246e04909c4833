"""Backups by command: made while the gateway is used, tried, restored; and one bit more or less is noticed."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.backups.keys import MACHINE_KEY_FILE
from server.storage.copies.kept import KeptBackup, backups_among, to_remove
from server.storage.migrate import STATE
from tests.command_line import Said, ascend_here
from tests.waiting import until_here


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """A data directory with a tenant, a person, keys for backups and the recovery key beside it."""
    folder = tmp_path / "used"
    assert ascend_here("tenant", "add", "acme", data_dir=folder).returncode == 0
    assert (
        ascend_here(
            "user", "add", "ada@example.com", "--tenant", "acme", "--password-stdin", data_dir=folder, stdin="correct-horse"
        ).returncode
        == 0
    )
    made = ascend_here("backup", "init", "--json", data_dir=folder)
    (tmp_path / "recovery.key").write_text(json.loads(made.stdout)[0]["recovery_key"])
    return folder


def backup_of(folder: Path) -> Path:
    made = ascend_here("backup", "create", "--json", data_dir=folder)
    assert made.returncode == 0, made.stderr
    return Path(json.loads(made.stdout)[0]["backup"])


def restored(backup: Path, into: Path, *more: str) -> Said:
    return ascend_here("backup", "restore", str(backup), *more, data_dir=into, is_first_start=True)


def test_a_backup_is_made_read_tried_and_restored_elsewhere(used: Path, tmp_path: Path) -> None:
    """The whole way, by the recovery key alone, into an empty directory."""
    with closing(sqlite3.connect(used / "ascend.sqlite3")) as live:
        live.execute("INSERT INTO browser_sessions SELECT 'h', 'b', 'acme', subject_id, 'x', 'password', 1, 1, 9e15 FROM subjects")
        live.commit()
    backup = backup_of(used)
    assert b"ada@example.com" not in backup.read_bytes()
    assert json.loads(ascend_here("backup", "verify", "--json", data_dir=used).stdout)[0]["is_whole"]
    [tried] = json.loads(ascend_here("backup", "drill", "--json", data_dir=used).stdout)
    assert [step.split(" ")[0] for step in tried["steps"]] == ["2", "ascend.sqlite3:", "history.sqlite3:", "a", "a", "a"]
    elsewhere = tmp_path / "elsewhere"
    done = restored(backup, elsewhere, "--key", str(tmp_path / "recovery.key"), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["ended"] == {"browser sessions": 1}
    assert "ada@example.com" in ascend_here("user", "list", "--tenant", "acme", data_dir=elsewhere).stdout
    assert ascend_here("audit", "verify", data_dir=elsewhere).returncode == 0
    # No copy in the clear is left behind.
    assert not list(used.glob(".backup-*")) + list(elsewhere.glob(".backup-*"))


def test_without_keys_or_in_a_full_place_nothing_is_done(used: Path, tmp_path: Path) -> None:
    backup = backup_of(used)
    fresh = tmp_path / "fresh"
    assert "`ascend backup init` makes the keys" in ascend_here("backup", "create", data_dir=fresh).stderr
    assert "has keys for backups already" in ascend_here("backup", "init", data_dir=used).stderr
    assert "no key for backups; give the recovery key" in restored(backup, tmp_path / "keyless").stderr
    full = restored(backup, used, "--key", str(tmp_path / "recovery.key"))
    assert (full.returncode, "is there already" in full.stderr) == (1, True)
    other = tmp_path / "other.key"
    other.write_text((fresh / MACHINE_KEY_FILE).read_text() if ascend_here("backup", "init", data_dir=fresh).returncode == 0 else "")
    assert "it was written for other keys" in ascend_here("backup", "verify", "--key", str(other), data_dir=used).stderr
    other.write_text("no key at all")
    refused = ascend_here("backup", "verify", "--key", str(other), data_dir=used)
    assert "begins with AGE-SECRET-KEY-1" in refused.stderr


@pytest.mark.parametrize("place", [0, 100, 200, 5_000, -1])
def test_one_flipped_bit_fails_verify_and_restores_nothing(used: Path, tmp_path: Path, place: int) -> None:
    backup = backup_of(used)
    spoilt = bytearray(backup.read_bytes())
    spoilt[place] ^= 1
    backup.write_bytes(spoilt)
    said = ascend_here("backup", "verify", str(backup), data_dir=used)
    assert said.returncode == 1
    assert "cannot be relied on" in said.stderr or "written for other keys" in said.stderr
    target = tmp_path / "target"
    assert restored(backup, target, "--key", str(tmp_path / "recovery.key")).returncode == 1
    assert not (target / "ascend.sqlite3").exists()


def test_another_environment_and_a_newer_version_are_named(used: Path, tmp_path: Path) -> None:
    backup, key = backup_of(used), ("--key", str(tmp_path / "recovery.key"))
    words = ("backup", "restore", str(backup), *key)
    said = ascend_here(*words, data_dir=tmp_path / "p", environ={"ASCEND_ENV": "production"}, is_first_start=True)
    assert "the backup is of environment 'development'" in said.stderr
    with closing(sqlite3.connect(used / "ascend.sqlite3")) as live:
        live.execute("UPDATE alembic_version SET version_num = '9999'")
        live.execute("UPDATE store_facts SET value = '9999' WHERE name = 'works_with:alembic_version'")
        live.commit()
    newer = ascend_here("tenant", "list", data_dir=used)
    assert (newer.returncode, newer.stderr.count("\n")) == (1, 1)
    assert "the store is of a newer version (revision 9999" in newer.stderr


def test_a_migration_is_preceded_by_a_copy(tmp_path: Path) -> None:
    """The way back to the version of before; of such copies two stay."""
    assert ascend_here("tenant", "list", data_dir=tmp_path).returncode == 0
    store = tmp_path / "ascend.sqlite3"
    assert not list(tmp_path.glob("before-*"))
    with closing(sqlite3.connect(store)) as live:
        # As a store of the revision before looks to whoever only reads its number.
        live.execute("CREATE TABLE marked (x)")
        live.execute("UPDATE alembic_version SET version_num = '0001'")
        live.commit()
    ascend_here("tenant", "list", data_dir=tmp_path)
    with closing(sqlite3.connect(tmp_path / "before-0001.sqlite3")) as copy:
        assert copy.execute("SELECT count(*) FROM marked").fetchone() == (0,)
    assert STATE.newest() > "0001"


def test_the_newest_and_one_a_month_stay() -> None:
    """Five, and the newest of each of twelve months; other files are nobody's backup."""
    now = datetime(2026, 11, 28, tzinfo=UTC)
    backups = [KeptBackup(f"b{week}", f"/b{week}", "development", now - timedelta(weeks=week), 1) for week in range(80)]
    gone = to_remove(backups, 5, 12)
    stays = [backup for backup in backups if backup not in gone]
    assert [backup.name for backup in stays[:5]] == [f"b{week}" for week in range(5)]
    assert len({(backup.made_at.year, backup.made_at.month) for backup in stays}) == 12
    names = ("notes.txt", "ascend-development-yesterday.age", "ascend-prod-eu-20261101T020304Z.age")
    assert [(each.environment, each.made_at.day) for each in backups_among((name, name, 1) for name in names)] == [("prod-eu", 1)]


def test_a_killed_backup_leaves_nothing_that_looks_like_one(used: Path) -> None:
    """Killed as soon as its working folder is there; the next one clears up behind it."""
    backup_of(used)
    program = "import sys; sys.argv = ['ascend', 'backup', 'create', '--data', sys.argv[1]]; from server.cli import main; main()"
    process = subprocess.Popen([sys.executable, "-c", program, str(used)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until_here(lambda: any(used.glob(".backup-*")) or process.poll() is not None)
    process.send_signal(signal.SIGKILL)
    process.wait(20)
    assert all(len(path.name.split("-")) == 3 and path.suffix == ".age" for path in (used / "backups").glob("[!.]*"))
    backup_of(used)
    assert not list(used.glob(".backup-*"))
    assert not list((used / "backups").glob(".*"))
    assert os.stat(used / "backups").st_mode & 0o077 == 0
