"""Which files are backups, and which of them stay: the newest, and one a month."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

_TIME = "%Y%m%dT%H%M%SZ"


class BackupsUnreachable(Exception):
    """The place of backups does not say what it has; the message is why."""


@dataclass(frozen=True, slots=True)
class KeptBackup:
    """`at`: its path, or its URL."""

    name: str
    at: str
    environment: str
    made_at: datetime
    bytes: int


def read_name(name: str, at: str, size_bytes: int) -> KeptBackup:
    """Return what the name of a backup says. Raises ValueError where it is none."""
    if not name.startswith("ascend-") or not name.endswith(".age") or "/" in name:
        raise ValueError(f"{name!r} is no name of a backup")
    said, _, moment = name.removeprefix("ascend-").removesuffix(".age").rpartition("-")
    return KeptBackup(name, at, said, datetime.strptime(moment, _TIME).replace(tzinfo=UTC), size_bytes)


def backups_among(files: Iterable[tuple[str, str, int]], environment: str | None = None) -> Sequence[KeptBackup]:
    """Return the backups among files (name, where it is, bytes), newest first; other files are passed over."""
    found = []
    for file in files:
        with suppress(ValueError):
            found.append(read_name(*file))
    return sorted((each for each in found if environment in (None, each.environment)), key=lambda each: each.made_at, reverse=True)


def to_remove(backups: Sequence[KeptBackup], weekly: int, monthly: int) -> Sequence[KeptBackup]:
    """Return those that need not stay: beyond the newest `weekly`, all but the newest of each of the last `monthly` months."""
    months: dict[tuple[int, int], KeptBackup] = {}
    for backup in backups:
        months.setdefault((backup.made_at.year, backup.made_at.month), backup)
    stays = {backup.name for backup in backups[:weekly]} | {backup.name for backup in list(months.values())[:monthly]}
    return [backup for backup in backups if backup.name not in stays]
