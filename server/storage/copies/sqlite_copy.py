"""A copy of a SQLite store that is in use, and whether a copy is sound."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url


def sqlite_file(url: str) -> Path:
    """Return the file of a SQLite store."""
    return Path(make_url(url).database or "")


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy the store at `source`, as it is at one moment, to the new file `target`.

    All pages in one step: in several, any write of another connection begins it anew, and beside a busy gateway it never ends. Writers
    wait for a tenth of a second meanwhile at most, readers never.
    """
    target.touch(mode=0o600, exist_ok=False)
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy, pages=-1)
        # One file, without a log beside it.
        copy.execute("PRAGMA journal_mode=DELETE")


def faults_in(path: Path) -> list[str]:
    """Return what is wrong with the file: broken pages, rows that miss what they refer to. Empty: it is sound."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        try:
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(10)") if row[0] != "ok"]
            found += [f"a row of {row[0]} misses what it refers to in {row[2]}" for row in connection.execute("PRAGMA foreign_key_check")][
                :10
            ]
        except sqlite3.DatabaseError as error:
            return [f"it is no SQLite store: {error}"]
    return found


def figures_of(path: Path) -> dict[str, int]:
    """Return how many rows each table has."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
        return {name: int(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]) for name in sorted(names)}  # noqa: S608  names of ours
