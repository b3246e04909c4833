"""What the commands of backups share: where they are, which one is meant, what opens it, how a failure is told."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from server.backups.age import AgeBroken, NoKeyFits
from server.backups.archive import ArchiveBroken
from server.backups.kept import backups_in
from server.backups.keys import KeyUnreadable, load_keys, read_identity
from server.backups.making import BackupBusy
from server.backups.manifest import ManifestUnreadable
from server.commands.frame import CommandFailed
from server.config.backup_folder import folder_of
from server.config.settings import Settings
from server.storage.copies.postgres_copy import ToolFailed

R = TypeVar("R")


def key_option(command: Callable[..., R]) -> Callable[..., R]:
    """Give `command` the option --key."""
    return click.option(
        "--key",
        "key_file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        default=None,
        help="File with the recovery key; this machine's own otherwise.",
    )(command)


def chosen(settings: Settings, backup: Path | None) -> Path:
    """Return the backup that was named, or the newest one of this environment."""
    if backup is not None:
        return backup
    found = backups_in(folder_of(settings), settings.store.environment)
    if not found:
        raise CommandFailed(f"there is no backup in {folder_of(settings)}; `ascend backup create` makes one, or name a file")
    return found[0].path


def identities(settings: Settings, key_file: Path | None) -> Sequence[X25519PrivateKey]:
    """Return the keys to try: that of the file, or this machine's."""
    if key_file is not None:
        try:
            return (read_identity(key_file.read_text(encoding="utf-8")),)
        except (KeyUnreadable, UnicodeDecodeError) as error:
            raise CommandFailed(f"{key_file}: {error}") from error
    keys = load_keys(settings.data_dir)
    if keys is None or keys.machine is None:
        raise CommandFailed("this machine has no key for backups; give the recovery key with --key FILE")
    return (keys.machine,)


@contextmanager
def told_of(path: Path) -> Iterator[None]:
    """Say in one line what is wrong with a backup, and what to do."""
    try:
        yield
    except NoKeyFits as error:
        raise CommandFailed(f"{path}: {error}; give the recovery key with --key FILE") from error
    except (AgeBroken, ArchiveBroken, ManifestUnreadable) as error:
        raise CommandFailed(f"{path} cannot be relied on: {error}; take another one") from error
    except (BackupBusy, ToolFailed, KeyUnreadable) as error:
        raise CommandFailed(str(error)) from error
    except OSError as error:
        raise CommandFailed(f"{error.filename or path}: {error.strerror or error}; make room there, or name another place") from error
