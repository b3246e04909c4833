"""Where the backups of a gateway are."""

from pathlib import Path

from server.config.settings import Settings

#: in the data directory: whom backups are written for, as `ascend backup init` makes it
RECIPIENTS_FILE = "backup.recipients"


def folder_of(settings: Settings) -> Path:
    """Return the folder of ASCEND_BACKUP_TO, or the one in the data directory."""
    return Path(settings.store.backup_to).expanduser() if settings.store.backup_to else settings.data_dir / "backups"
