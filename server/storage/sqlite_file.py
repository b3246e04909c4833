"""The address of a SQLite store, apart from the engine: settings are read before anything heavy is loaded."""

from pathlib import Path


def sqlite_url(path: Path) -> str:
    """Return the engine URL of a SQLite file."""
    return f"sqlite+aiosqlite:///{path}"
