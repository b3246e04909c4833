"""What the commands of `ascend config` share: the changes of a store, which look into the vault only where a document names a secret."""

from typing import IO

from oauth.tenants import DEFAULT_TENANT
from oauth.vault.named_secrets import NamedSecrets
from server.assembly.connections import open_vault
from server.commands.command_being_run import operating_system_user
from server.commands.refused_file import RefusedFile
from server.config.settings import Settings
from server.config_versions.changes import ConfigChanges
from server.config_versions.read_document import MAX_BYTES, read_toml
from server.storage.store import Store
from tools.operation import Json
from tools.versioned_documents.faults import ConfigInvalid


def changes_of(settings: Settings, store: Store) -> ConfigChanges:
    """Return what checks and changes the configuration."""

    async def has_secret(name: str) -> bool:
        secrets = NamedSecrets(await open_vault(settings, store))
        return await secrets.lend(DEFAULT_TENANT, name, operating_system_user(), "configuration checked") is not None

    return ConfigChanges(store.config_versions, has_secret)


def read_file(file: IO[bytes]) -> Json:
    """Return the document that a file says. Raises RefusedFile with everything wrong with it."""
    try:
        return read_toml(file.read(MAX_BYTES + 1))
    except ConfigInvalid as error:
        raise refused(file.name, error) from error


def refused(name: str, error: ConfigInvalid) -> RefusedFile:
    """Return the end of a command that took nothing of `name` over."""
    return RefusedFile("standard input" if name == "<stdin>" else name, error.faults)
