"""What the jobs of backups are made with; loaded with the schedules that start them (docs/decisions/0059)."""

from server.assembly.backup_processes import BackupProcesses
from server.config.settings import Settings
from tools.workflows.jobs.backup import MadeBackup
from tools.workflows.jobs.backup_verify import BackupTrial


class BackupJobs:
    """Keeps `MakesBackups` and `TriesBackups` of `tools.workflows.jobs`."""

    def __init__(self, settings: Settings) -> None:
        self._processes, self._is_sqlite = BackupProcesses(settings), settings.store.database_url.startswith("sqlite")

    async def make(self) -> MadeBackup | None:
        if not self._processes.have_keys():
            return None
        made = await self._processes.run("create")
        if isinstance(made, str):
            return MadeBackup("", 0, 0, made)
        [row] = made
        return MadeBackup(str(row["backup"]).rpartition("/")[2], int(row["bytes"]), int(row["removed"]))

    async def try_newest(self) -> BackupTrial | None:
        if not self._processes.are_there():
            return None
        listed = await self._processes.run("list")
        if not listed:
            return None
        newest = "backup" if isinstance(listed, str) else str(listed[0]["backup"]).rpartition("/")[2]
        # A scratch database is the operator's to name: a backup of PostgreSQL is read to its end instead.
        way = "drill" if self._is_sqlite else "verify"
        tried = listed if isinstance(listed, str) else await self._processes.run(way)
        if isinstance(tried, str):
            return BackupTrial(newest, 0.0, 0.0, 0, tried)
        [row] = tried
        return BackupTrial(newest, float(row.get("age_s", 0.0)), float(row.get("took_s", 0.0)), int(row["rows"]))
