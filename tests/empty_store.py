"""An empty SQLite store at the newest revision: the revisions run once in a process, their outcome is copied."""

from pathlib import Path

import anyio

from server.config.store import sqlite_url
from server.storage.migrate import migrate

_made: bytes = b""


async def put_empty_store(path: Path) -> str:
    """Put an empty migrated store at `path` and return its engine URL."""
    global _made
    url, file = sqlite_url(path), anyio.Path(path)
    if not _made:
        await migrate(url)
        _made = await file.read_bytes()
    await file.write_bytes(_made)
    return url
