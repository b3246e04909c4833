"""Write down the schema of this code as that of a release: `python -m tests.contracts.released.record`."""

import asyncio
import sqlite3
import tempfile
from pathlib import Path

from server.config.store import sqlite_url
from server.storage.migrate import HISTORY, STATE, Migrations, migrate

FOLDER = Path(__file__).parent


def main() -> None:
    for name, migrations in (("store", STATE), ("history", HISTORY)):
        (FOLDER / f"{name}_{migrations.newest()}.sql").write_text(schema_of(migrations), encoding="utf-8")


def schema_of(migrations: Migrations) -> str:
    """Return every statement that makes the schema, and the revision."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "store.sqlite3"
        asyncio.run(migrate(sqlite_url(file), migrations))
        with sqlite3.connect(file) as connection:
            return "\n".join(connection.iterdump()) + "\n"


if __name__ == "__main__":
    main()
