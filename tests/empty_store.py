"""Stores and data directories as a first start leaves them: made once in a process, their outcome is copied."""

import atexit
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import anyio

from capability_index.encoders.encoder import load_word_table
from server.config.store import sqlite_url
from server.storage.migrate import HISTORY, STATE, migrate


def put_empty_store(path: Path) -> str:
    """Put an empty SQLite store at the newest revision at `path` and return its engine URL."""
    shutil.copyfile(_first_start() / "ascend.sqlite3", path)
    path.chmod(0o600)
    return sqlite_url(path)


def put_empty_history(path: Path) -> str:
    """Put an empty history at the newest revision at `path` and return its engine URL."""
    shutil.copyfile(_first_start() / "history.sqlite3", path)
    path.chmod(0o600)
    return sqlite_url(path)


def put_data_directory(path: Path) -> Path:
    """Make the data directory of a gateway that was started once, and return it; one that has a store stays as it is.

    Saves each start the revisions of the store and the conversion of the word table, a third of a second.
    """
    if not (path / "ascend.sqlite3").exists():
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        put_empty_store(path / "ascend.sqlite3")
        put_empty_history(path / "history.sqlite3")
        (path / "index").mkdir(exist_ok=True)
        for made in (_first_start() / "index").iterdir():
            # The table is never written to, only replaced: one file serves all.
            os.link(made, path / "index" / made.name)
    return path


@cache
def _first_start() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="ascend-first-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    # In a thread, because the test that asks first may have an event loop in its own.
    with ThreadPoolExecutor(1) as pool:
        for name, migrations in (("ascend", STATE), ("history", HISTORY)):
            pool.submit(anyio.run, migrate, sqlite_url(folder / f"{name}.sqlite3"), migrations).result()
    load_word_table(folder / "index")
    return folder
