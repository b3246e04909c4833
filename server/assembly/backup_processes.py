"""Backups made and tried by processes of their own: what they take of memory goes with them, and no fault of theirs stays here."""

import asyncio
import sys
from pathlib import Path

import orjson

from server.config.backup_folder import RECIPIENTS_FILE, folder_of
from server.config.settings import Settings
from tools.operation import Json
from tools.workflows.jobs.backup import BACKUP_TIMEOUT_S, MadeBackup
from tools.workflows.jobs.backup_verify import BackupTrial

MAX_REASON_CHARS = 300


class BackupProcesses:
    """Keeps `MakesBackups` and `TriesBackups` of `tools.workflows.jobs`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def have_keys(self) -> bool:
        """Say whether anybody could open a backup."""
        return (self._settings.data_dir / RECIPIENTS_FILE).is_file()

    def are_there(self) -> bool:
        """Say whether there is a backup to try."""
        return any(folder_of(self._settings).glob("ascend-*.age"))

    def newest_at(self) -> float | None:
        """Return when the newest backup was written, epoch seconds; None: there is none."""
        return max((each.stat().st_mtime for each in folder_of(self._settings).glob("ascend-*.age")), default=None)

    async def make(self) -> MadeBackup | None:
        if not self.have_keys():
            return None
        made = await self._run("create")
        if isinstance(made, str):
            return MadeBackup("", 0, 0, made)
        return MadeBackup(Path(made["backup"]).name, int(made["bytes"]), int(made["removed"]))

    async def try_newest(self) -> BackupTrial | None:
        if not self.are_there():
            return None
        # A scratch database is the operator's to name: a backup of PostgreSQL is read to its end instead.
        tried = await self._run("drill" if self._settings.store.database_url.startswith("sqlite") else "verify")
        if isinstance(tried, str):
            newest = max(folder_of(self._settings).glob("ascend-*.age"), key=lambda path: path.name, default=Path("backup"))
            return BackupTrial(newest.name, 0.0, 0.0, 0, tried)
        return BackupTrial(Path(tried["backup"]).name, float(tried.get("age_s", 0.0)), float(tried.get("took_s", 0.0)), int(tried["rows"]))

    async def _run(self, what: str) -> Json:
        """Return the row that `ascend backup WHAT` prints, or in one line why there is none."""
        words = ["-c", "from server.cli import main; main()", "backup", what, "--json", "--data", str(self._settings.data_dir)]
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(sys.executable, *words, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe)
        try:
            async with asyncio.timeout(BACKUP_TIMEOUT_S):
                said, complaint = await child.communicate()
        except BaseException:
            child.kill()
            await child.wait()
            raise
        if child.returncode:
            lines = complaint.decode(errors="replace").strip().splitlines()
            reason = lines[-1] if lines else f"`ascend backup {what}` ended with {child.returncode}"
            return reason.removeprefix("ascend: ")[:MAX_REASON_CHARS]
        return orjson.loads(said)[0]
