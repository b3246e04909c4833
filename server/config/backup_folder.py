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
