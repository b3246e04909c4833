"""Where the backups of a gateway are: in a folder, or in a bucket."""

from pathlib import Path

from server.config.settings import Settings

#: in the data directory: whom backups are written for, as `ascend backup init` makes it
RECIPIENTS_FILE = "backup.recipients"
#: in the data directory: its time is that of the newest backup that was made here, wherever it went
NEWEST_FILE = "backup.newest"
#: how the URL of a bucket begins
BUCKET_SCHEME = "s3://"


def bucket_url(settings: Settings) -> str:
    """Return the URL of the bucket of ASCEND_BACKUP_TO, or "" where it names none."""
    return settings.store.backup_to if settings.store.backup_to.startswith(BUCKET_SCHEME) else ""


def folder_of(settings: Settings) -> Path:
    """Return the folder of ASCEND_BACKUP_TO, or the one in the data directory; not asked where they are in a bucket."""
    return Path(settings.store.backup_to).expanduser() if settings.store.backup_to else settings.data_dir / "backups"


def newest_backup_at(settings: Settings) -> float | None:
    """Return when the newest backup was written, epoch seconds; None: there is none. A bucket is not asked: it is told here."""
    noted = settings.data_dir / NEWEST_FILE
    files = [noted] if bucket_url(settings) else folder_of(settings).glob("ascend-*.age")
    return max((each.stat().st_mtime for each in files if each.is_file()), default=None)


def have_backup_keys(settings: Settings) -> bool:
    """Say whether anybody could open a backup."""
    return (settings.data_dir / RECIPIENTS_FILE).is_file()


def are_backups_kept(settings: Settings) -> bool:
    """Say whether there is a backup to try. What a bucket has is not asked each time: who has keys makes backups."""
    return have_backup_keys(settings) if bucket_url(settings) else any(folder_of(settings).glob("ascend-*.age"))
