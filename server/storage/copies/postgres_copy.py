"""A copy of a PostgreSQL store by its own `pg_dump`, and back by `pg_restore`."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

TIMEOUT_S = 3_600.0
#: the rows that a lean backup leaves out
HISTORY_TABLES = ("call_records", "call_records_*", "call_hours", "call_days", "operation_days", "error_ledger")

_TABLES = "FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace"


class ToolFailed(Exception):
    """One of PostgreSQL's own programs is missing or failed; the message is its last line, without the password."""


def dump(url: str, target: Path, *, is_lean: bool = False) -> dict[str, int]:
    """Write the database to `target` in pg_dump's own format, and return how many rows each table had in the very same snapshot."""
    left_out = [f"--exclude-table-data={name}" for name in HISTORY_TABLES] if is_lean else []
    engine = create_engine(url, isolation_level="REPEATABLE READ", hide_parameters=True)
    try:
        with engine.connect() as connection:
            snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
            names = sorted(connection.execute(text(f"SELECT relname {_TABLES} AND NOT relispartition")).scalars())
            figures = {name: int(connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one()) for name in names}  # noqa: S608
            target.touch(mode=0o600, exist_ok=False)
            _run("pg_dump", url, ["--format=custom", f"--snapshot={snapshot}", f"--file={target}", *left_out])
    finally:
        engine.dispose()
    return figures


def restore(url: str, source: Path) -> None:
    """Put a dump into an empty database, all of it or nothing."""
    _run("pg_restore", url, ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", str(source)], names_database=True)


def tables_in(url: str) -> int:
    """Return how many tables a database has."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return int(connection.execute(text(f"SELECT count(*) {_TABLES}")).scalar_one())
    finally:
        engine.dispose()


def _run(program: str, url: str, arguments: Sequence[str], *, names_database: bool = False) -> None:
    found = shutil.which(program)
    if found is None:
        raise ToolFailed(f"{program} is not on this machine; install PostgreSQL's client programs (Debian: postgresql-client)")
    environment = _environment(url)
    database = ["--dbname", environment["PGDATABASE"]] if names_database else []
    done = subprocess.run([found, *database, *arguments], env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # noqa: S603
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise ToolFailed(f"{program}: {lines[-1] if lines else f'it ended with {done.returncode}'}"[:500])


def _environment(url: str) -> Mapping[str, str]:
    """Return where the database is and its password as libpq reads them: on a command line others could see it."""
    parts = make_url(url)
    said = {
        "PGHOST": parts.host or parts.query.get("host"),
        "PGPORT": str(parts.port) if parts.port else parts.query.get("port"),
        "PGUSER": parts.username,
        "PGPASSWORD": parts.password,
        "PGDATABASE": parts.database,
        "PGSSLMODE": parts.query.get("sslmode"),
        "PGTARGETSESSIONATTRS": parts.query.get("target_session_attrs"),
    }
    return {**{name: value for name, value in os.environ.items() if not name.startswith("PG")}, **{n: str(v) for n, v in said.items() if v}}
