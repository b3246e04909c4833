"""Backups made and tried by processes of their own: what they take of memory goes with them, and no fault of theirs stays here."""

import asyncio
import sys
import time
from collections.abc import Sequence

import orjson

from server.config.backup_folder import NEWEST_FILE, RECIPIENTS_FILE, bucket_url, folder_of
from server.config.settings import Settings
from server.storage.copies.kept import KeptBackup, backups_among
from tools.operation import Json
from tools.workflows.jobs.backup import BACKUP_TIMEOUT_S, MadeBackup
from tools.workflows.jobs.backup_verify import BackupTrial

MAX_REASON_CHARS = 300
#: a bucket is asked again after so long
LIST_KEPT_S = 30.0


class BackupsUnreachable(Exception):
    """The place of backups does not say what it has; the message is why."""


class BackupProcesses:
    """Keeps `MakesBackups` and `TriesBackups` of `tools.workflows.jobs`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: Sequence[KeptBackup] = ()
        self._known_until = 0.0

    def have_keys(self) -> bool:
        """Say whether anybody could open a backup."""
        return (self._settings.data_dir / RECIPIENTS_FILE).is_file()

    def are_there(self) -> bool:
        """Say whether there is a backup to try. What a bucket has is not asked at each slot: who has keys makes backups."""
        return self.have_keys() if bucket_url(self._settings) else any(folder_of(self._settings).glob("ascend-*.age"))

    def newest_at(self) -> float | None:
        """Return when the newest backup was written, epoch seconds; None: there is none. A bucket is not asked: it is told here."""
        noted = self._settings.data_dir / NEWEST_FILE
        files = [noted] if bucket_url(self._settings) else folder_of(self._settings).glob("ascend-*.age")
        return max((each.stat().st_mtime for each in files if each.is_file()), default=None)

    async def listed(self) -> Sequence[KeptBackup]:
        """Return the backups, newest first. A folder is looked at here; a bucket by a process, at most once in half a minute.

        Raises BackupsUnreachable.
        """
        if not bucket_url(self._settings):
            files = [(each.name, str(each), each.stat().st_size) for each in folder_of(self._settings).glob("ascend-*.age")]
            return backups_among(files)
        if self._known_until < time.monotonic():
            rows = await self._run("list")
            if isinstance(rows, str):
                raise BackupsUnreachable(rows)
            self._known = backups_among([(str(row["backup"]).rpartition("/")[2], row["backup"], int(row["bytes"])) for row in rows])
            self._known_until = time.monotonic() + LIST_KEPT_S
        return self._known

    async def verify(self, at: str) -> str:
        """Read a backup to its end; return what is wrong with it, "" where it is whole. `at`: its path or URL."""
        verified = await self._run("verify", at)
        return verified if isinstance(verified, str) else ""

    async def make(self) -> MadeBackup | None:
        if not self.have_keys():
            return None
        made = await self._run("create")
        if isinstance(made, str):
            return MadeBackup("", 0, 0, made)
        [row] = made
        return MadeBackup(str(row["backup"]).rpartition("/")[2], int(row["bytes"]), int(row["removed"]))

    async def try_newest(self) -> BackupTrial | None:
        if not self.are_there():
            return None
        listed = await self._run("list")
        if not listed:
            return None
        newest = "backup" if isinstance(listed, str) else str(listed[0]["backup"]).rpartition("/")[2]
        # A scratch database is the operator's to name: a backup of PostgreSQL is read to its end instead.
        way = "drill" if self._settings.store.database_url.startswith("sqlite") else "verify"
        tried = listed if isinstance(listed, str) else await self._run(way)
        if isinstance(tried, str):
            return BackupTrial(newest, 0.0, 0.0, 0, tried)
        [row] = tried
        return BackupTrial(newest, float(row.get("age_s", 0.0)), float(row.get("took_s", 0.0)), int(row["rows"]))

    async def _run(self, what: str, *of: str) -> Json:
        """Return the rows that `ascend backup WHAT` prints, or in one line why there are none."""
        words = ["-c", "from server.cli import main; main()", "backup", what, *of, "--json", "--data", str(self._settings.data_dir)]
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
        return orjson.loads(said)
