"""What the jobs of backups are made with; loaded with the schedules that start them (docs/decisions/0059)."""

from collections.abc import Mapping

from server.assembly.backup_processes import BackupProcesses
from server.config.backup_folder import are_backups_kept, have_backup_keys
from server.config.settings import Settings
from tools.operation import Json
from tools.workflows.jobs.backup import MadeBackup
from tools.workflows.jobs.backup_verify import BackupTrial


class BackupJobs:
    """Keeps `MakesBackups` and `TriesBackups` of `tools.workflows.jobs`."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._processes = settings, BackupProcesses(settings)
        self._is_sqlite = settings.store.database_url.startswith("sqlite")

    async def make(self) -> MadeBackup | None:
        if not have_backup_keys(self._settings):
            return None
        made = await self._processes.run("create")
        if isinstance(made, str):
            return MadeBackup("", 0, 0, made)
        [row] = made
        return MadeBackup(_name(row), int(row["bytes"]), int(row["removed"]))

    async def try_newest(self) -> BackupTrial | None:
        if not are_backups_kept(self._settings):
            return None
        # A scratch database is the operator's to name: a backup of PostgreSQL is read to its end instead.
        tried = await self._processes.run("drill" if self._is_sqlite else "verify")
        if not isinstance(tried, str):
            [row] = tried
            return BackupTrial(_name(row), float(row.get("age_s", 0.0)), float(row.get("took_s", 0.0)), int(row["rows"]))
        # Which one it was, and whether there was one at all: a bucket is asked for it only now.
        listed = await self._processes.run("list")
        if not listed:
            return None
        return BackupTrial("backup" if isinstance(listed, str) else _name(listed[0]), 0.0, 0.0, 0, tried)


def _name(row: Mapping[str, Json]) -> str:
    """Return the name of a backup that a command names by its path or URL."""
    return str(row["backup"]).rpartition("/")[2]
