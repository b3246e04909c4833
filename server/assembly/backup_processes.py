"""Backups made, listed and tried by processes of their own: what they take of memory goes with them, and no fault of theirs stays here."""

import asyncio
import sys
import time
from collections.abc import Sequence

import orjson

from server.config.backup_folder import bucket_url, folder_of
from server.config.settings import Settings
from server.storage.copies.kept import BackupsUnreachable, KeptBackup, backups_among
from tools.operation import Json

MAX_REASON_CHARS = 300
#: a process may take so long
TIMEOUT_S = 1_800.0
#: a bucket is asked again after so long
LIST_KEPT_S = 30.0


class BackupProcesses:
    """What `ascend backup` does, asked for by a gateway."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: Sequence[KeptBackup] = ()
        self._known_until = 0.0

    async def listed(self) -> Sequence[KeptBackup]:
        """Return the backups, newest first. A folder is looked at here; a bucket by a process, at most once in half a minute.

        Raises BackupsUnreachable.
        """
        if not bucket_url(self._settings):
            files = [(each.name, str(each), each.stat().st_size) for each in folder_of(self._settings).glob("ascend-*.age")]
            return backups_among(files)
        if self._known_until < time.monotonic():
            rows = await self.run("list")
            if isinstance(rows, str):
                raise BackupsUnreachable(rows)
            self._known = backups_among([(str(row["backup"]).rpartition("/")[2], row["backup"], int(row["bytes"])) for row in rows])
            self._known_until = time.monotonic() + LIST_KEPT_S
        return self._known

    async def verify(self, at: str) -> str:
        """Read a backup to its end; return what is wrong with it, "" where it is whole. `at`: its path or URL."""
        verified = await self.run("verify", at)
        return verified if isinstance(verified, str) else ""

    async def run(self, what: str, *of: str) -> Json:
        """Return the rows that `ascend backup WHAT` prints, or in one line why there are none."""
        code, said, complaint = await run_program("backup", what, *of, "--json", "--data", str(self._settings.data_dir))
        if code:
            lines = complaint.decode(errors="replace").strip().splitlines()
            reason = lines[-1] if lines else f"`ascend backup {what}` ended with {code}"
            return reason.removeprefix("ascend: ")[:MAX_REASON_CHARS]
        return orjson.loads(said)


async def run_program(*words: str) -> tuple[int, bytes, bytes]:
    """Run `ascend` with `words` in a process of its own; return its exit code and what it wrote to both outputs."""
    program = [sys.executable, "-c", "from server.cli import main; main()", *words]
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(*program, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            said, complaint = await child.communicate()
    except BaseException:
        child.kill()
        await child.wait()
        raise
    return child.returncode or 0, said, complaint
