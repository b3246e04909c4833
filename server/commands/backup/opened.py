"""What the commands of backups share: where they are, which one is meant, what opens it, how a failure is told."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

import click
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from oauth.tenants import DEFAULT_TENANT
from oauth.vault.named_secrets import NamedSecrets
from server.assembly.connections import open_vault
from server.backups.age import AgeBroken, NoKeyFits
from server.backups.archive import ArchiveBroken
from server.backups.keys import KeyUnreadable, load_keys, read_identity
from server.backups.making import BackupBusy
from server.backups.manifest import ManifestUnreadable
from server.backups.places.place import BackupPlace, open_place
from server.commands.frame import CommandFailed
from server.commands.progress_bar import progress_bar
from server.config.backup_folder import BUCKET_SCHEME, bucket_url, folder_of
from server.config.settings import Settings
from server.object_storage.errors import ObjectStorageError
from server.storage.copies.postgres_copy import ToolFailed
from server.storage.store import open_store

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


class BackupArgument(click.ParamType[str]):
    """A file, or the URL of an object."""

    name = "backup"
    _file = click.Path(exists=True, dir_okay=False)

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return value if value.startswith(BUCKET_SCHEME) else str(self._file.convert(value, param, ctx))


@asynccontextmanager
async def opened_place(settings: Settings, url: str = "", *, has_vault: bool = True) -> AsyncIterator[BackupPlace]:
    """Give the place of backups, or the bucket of `url`; `has_vault` False: there is no store here yet."""

    async def reveal(name: str) -> bytes | None:
        async with open_store(settings) as store:
            return await NamedSecrets(await open_vault(settings, store)).reveal(DEFAULT_TENANT, name, "operator", "backups")

    where = (url or bucket_url(settings)).partition("?")[0]
    with told_of(where or folder_of(settings)):
        async with open_place(settings, reveal if has_vault else None, url) as place:
            yield place


@asynccontextmanager
async def chosen(settings: Settings, backup: str | None, *, has_vault: bool = True) -> AsyncIterator[tuple[str, Path]]:
    """Give the backup that was named, or the newest one of this environment: where it is, and a file with all of it."""
    if backup is not None and not backup.startswith(BUCKET_SCHEME):
        yield backup, Path(backup)
        return
    url, name = ("", "") if backup is None else _place_and_name(settings, backup)
    async with opened_place(settings, url, has_vault=has_vault) as place:
        if not name:
            found = await place.backups(settings.store.environment)
            if not found:
                raise CommandFailed(f"there is no backup in {place.where}; `ascend backup create` makes one, or name a file")
            name = found[0].name
        async with AsyncExitStack() as stack:
            with progress_bar("Fetching") as shown:
                path = await stack.enter_async_context(place.reading(name, shown))
            yield f"{place.where}/{name}", path


def _place_and_name(settings: Settings, backup: str) -> tuple[str, str]:
    """Return the bucket with its prefix, and the name in it; what ASCEND_BACKUP_TO says of the same bucket holds here, too."""
    url, _, query = backup.partition("?")
    place, _, name = url.rpartition("/")
    known, _, said = bucket_url(settings).partition("?")
    if not query and known.split("/")[2:3] == url.split("/")[2:3]:
        query = said
    if not name or place == BUCKET_SCHEME.rstrip("/"):
        raise CommandFailed(f"{url} names no backup; write s3://bucket/prefix/ascend-….age, as `ascend backup list` shows it")
    return f"{place}?{query}" if query else place, name


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
def told_of(path: Path | str) -> Iterator[None]:
    """Say in one line what is wrong with a backup, and what to do."""
    try:
        yield
    except NoKeyFits as error:
        raise CommandFailed(f"{path}: {error}; give the recovery key with --key FILE") from error
    except (AgeBroken, ArchiveBroken, ManifestUnreadable) as error:
        raise CommandFailed(f"{path} cannot be relied on: {error}; take another one") from error
    except (BackupBusy, ToolFailed, KeyUnreadable, ObjectStorageError) as error:
        raise CommandFailed(str(error)) from error
    except OSError as error:
        raise CommandFailed(f"{error.filename or path}: {error.strerror or error}; make room there, or name another place") from error
