"""A gateway makes backups and tries them by itself, in processes of their own."""

from pathlib import Path

import pytest

from server.assembly.workflows.backup_jobs import BackupJobs
from server.backups.keys import make_keys
from server.config.load import load
from tests.empty_store import put_data_directory


async def test_a_backup_is_made_by_a_process_of_its_own(tmp_path: Path) -> None:
    """Nothing without keys; afterwards a name and bytes."""
    backups = BackupJobs(load(put_data_directory(tmp_path), {}))
    assert (await backups.make(), await backups.try_newest()) == (None, None)
    make_keys(tmp_path)
    made = await backups.make()
    assert made is not None
    assert (made.failure, made.bytes > 1_000, made.removed) == ("", True, 0)
    assert (tmp_path / "backups" / made.name).stat().st_size == made.bytes


@pytest.mark.usefixtures("forked_backups")
async def test_a_backup_is_tried_and_a_spoilt_one_is_told(tmp_path: Path) -> None:
    """Its rows are counted; and one flipped bit is the reason that is given."""
    backups = BackupJobs(load(put_data_directory(tmp_path), {}))
    make_keys(tmp_path)
    made = await backups.make()
    assert made is not None
    tried = await backups.try_newest()
    assert tried is not None
    assert (tried.name, tried.failure, tried.rows >= 1, tried.took_s > 0) == (made.name, "", True, True)
    path = tmp_path / "backups" / made.name
    spoilt = bytearray(path.read_bytes())
    spoilt[-1] ^= 1
    path.write_bytes(spoilt)
    tried = await backups.try_newest()
    assert tried is not None
    assert "cannot be relied on" in tried.failure
