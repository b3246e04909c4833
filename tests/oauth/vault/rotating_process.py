"""A process that rotates both layers of keys until it is killed, and says so after each round."""

import asyncio
import sys
from pathlib import Path

from oauth.vault.key_source import KeyFile
from oauth.vault.rotation import Rotation
from oauth.vault.vault import Vault
from server.config.store import sqlite_url
from server.storage.database import Database
from server.storage.oauth.secrets import SqlSecretStore


async def main() -> None:
    folder = Path(sys.argv[1])
    store, source = SqlSecretStore(Database(sqlite_url(folder / "store.sqlite3"))), KeyFile(folder / "vault.kek")
    vault = Vault(store, source, "test")
    await vault.open()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        await Rotation(vault, store, source).rotate_dek("acme")
        await Rotation(vault, store, source).rotate_kek()
        sys.stdout.write("round\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
