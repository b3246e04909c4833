"""A vault in a store of its own: what its processes do, and what an attacker does to its rows."""

import sqlite3
from pathlib import Path

from oauth.vault.key_source import KeyFile
from oauth.vault.vault import Vault, VaultCaller
from server.storage.database import Database
from server.storage.oauth.secrets import SqlSecretStore

ACME, GLOBEX = VaultCaller("acme", "ada", "test"), VaultCaller("globex", "eve", "test")


class VaultWorld:
    """The store, and the file of its key-encryption key."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder, self.database, self.file = folder, database, folder / "store.sqlite3"
        self.store, self.source = SqlSecretStore(database), KeyFile(folder / "vault.kek")

    async def vault(self) -> Vault:
        """Return the vault of a process that starts now."""
        vault = Vault(self.store, KeyFile(self.folder / "vault.kek"), "test")
        await vault.open()
        return vault

    async def fill(self, count: int = 20) -> Vault:
        """Put `count` secrets of one tenant and one of another."""
        vault = await self.vault()
        for number in range(count):
            await vault.put(ACME, f"n{number}", b"acme %d" % number)
        await vault.put(GLOBEX, "n", b"globex")
        return vault

    async def check(self, vault: Vault, count: int = 20) -> None:
        """Read everything that `fill` put."""
        for number in range(count):
            assert await vault.reveal(ACME, f"n{number}") == b"acme %d" % number
        assert await vault.reveal(GLOBEX, "n") == b"globex"

    def rows(self, table: str, tenant_id: str = "acme", name: str = "") -> list[tuple[object, ...]]:
        """Return rows as an attacker copies them into a backup."""
        where = f"tenant_id = '{tenant_id}'" + (f" AND name = '{name}'" if name else "")
        with sqlite3.connect(self.file) as sql:
            return sql.execute(f"SELECT * FROM {table} WHERE {where}").fetchall()

    def put_back(self, table: str, rows: list[tuple[object, ...]], tenant_id: str = "acme", name: str = "") -> None:
        """Replace what is there by `rows`, past the program."""
        where = f"tenant_id = '{tenant_id}'" + (f" AND name = '{name}'" if name else "")
        with sqlite3.connect(self.file) as sql:
            sql.execute(f"DELETE FROM {table} WHERE {where}")
            for row in rows:
                sql.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
