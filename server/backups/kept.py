"""Which backups there are in a folder, and which of them stay: the newest five, and one a month for a year."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

WEEKLY, MONTHLY = 5, 12
_TIME = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class KeptBackup:
    path: Path
    environment: str
    made_at: datetime
    bytes: int


def backups_in(folder: Path, environment: str | None = None) -> Sequence[KeptBackup]:
    """Return the backups of a folder, newest first; other files are passed over."""
    found = []
    for path in folder.glob("ascend-*.age") if folder.is_dir() else ():
        said, _, moment = path.name.removeprefix("ascend-").removesuffix(".age").rpartition("-")
        try:
            made_at = datetime.strptime(moment, _TIME).replace(tzinfo=UTC)
        except ValueError:
            continue
        if environment in (None, said):
            found.append(KeptBackup(path, said, made_at, path.stat().st_size))
    return sorted(found, key=lambda backup: backup.made_at, reverse=True)


def to_remove(backups: Sequence[KeptBackup], weekly: int = WEEKLY, monthly: int = MONTHLY) -> Sequence[KeptBackup]:
    """Return those that need not stay: beyond the newest `weekly`, all but the newest of each of the last `monthly` months."""
    months: dict[tuple[int, int], KeptBackup] = {}
    for backup in backups:
        months.setdefault((backup.made_at.year, backup.made_at.month), backup)
    stays = {backup.path for backup in backups[:weekly]} | {backup.path for backup in list(months.values())[:monthly]}
    return [backup for backup in backups if backup.path not in stays]
