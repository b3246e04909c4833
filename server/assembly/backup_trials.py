"""Backups tried by a process of its own: what a drill takes of memory goes with it, and nothing of it can touch this gateway."""

import asyncio
import sys
from pathlib import Path

import orjson

from server.config.backup_folder import folder_of
from server.config.settings import Settings
from tools.workflows.jobs.backup_verify import DRILL_TIMEOUT_S, BackupTrial


class BackupTrials:
    """Keeps `tools.workflows.jobs.backup_verify.TriesBackups`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def are_there(self) -> bool:
        """Say whether there is a backup to try."""
        return any(folder_of(self._settings).glob("ascend-*.age"))

    async def try_newest(self) -> BackupTrial | None:
        if not self.are_there():
            return None
        # A scratch database is the operator's to name: a backup of PostgreSQL is read to its end instead.
        what = "drill" if self._settings.store.database_url.startswith("sqlite") else "verify"
        words = ["-c", "from server.cli import main; main()", "backup", what, "--json", "--data", str(self._settings.data_dir)]
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(sys.executable, *words, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe)
        try:
            async with asyncio.timeout(DRILL_TIMEOUT_S):
                said, complaint = await child.communicate()
        except BaseException:
            child.kill()
            await child.wait()
            raise
        if child.returncode:
            newest = max(folder_of(self._settings).glob("ascend-*.age"), key=lambda path: path.name, default=Path("backup"))
            lines = complaint.decode(errors="replace").strip().splitlines()
            return BackupTrial(newest.name, 0.0, 0.0, 0, (lines[-1] if lines else "it was not tried").removeprefix("ascend: ")[:300])
        [row] = orjson.loads(said)
        return BackupTrial(Path(row["backup"]).name, float(row["age_s"]), float(row.get("took_s", 0.0)), int(row["rows"]))
