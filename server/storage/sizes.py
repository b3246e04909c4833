"""How large the stores are."""

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import text

from server.storage.database import Database


class StoreSizes:
    """Files are looked at when asked; what a server says of its size is what it said last (`measure`)."""

    def __init__(self, stores: Mapping[str, Database]) -> None:
        self._stores = stores
        self._measured: dict[str, int] = {}

    async def measure(self) -> None:
        """Ask the stores that are no files. Raises StoreUnavailable."""
        for name, database in self._stores.items():
            if not database.is_sqlite:
                async with database.read() as connection:
                    self._measured[name] = (await connection.execute(text("SELECT pg_database_size(current_database())"))).scalar_one()

    def bytes_by_store(self) -> Mapping[str, int]:
        """Return the bytes on disk by the store's name; a server that was not asked yet is left out."""
        files = {name: _file_bytes(database.url) for name, database in self._stores.items() if database.is_sqlite}
        return {**files, **self._measured}


def _file_bytes(url: str) -> int:
    """Return what a SQLite store takes, its write-ahead log included; 0: it is gone, or in memory."""
    path = Path(url.partition(":///")[2])
    return sum(each.stat().st_size for each in (path, path.with_name(f"{path.name}-wal")) if each.is_file())
