"""A PostgreSQL of our own for one test session: in a temporary folder, on a Unix socket, gone afterwards."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest


@contextmanager
def postgres_server() -> Iterator[str]:
    """Give the engine URL of an empty server, or skip where PostgreSQL is not installed."""
    control, initdb = shutil.which("pg_ctl"), _beside(shutil.which("pg_ctl"), "initdb")
    if control is None or initdb is None:
        pytest.skip("PostgreSQL is not installed here")
    folder = Path(tempfile.mkdtemp(prefix="ascend-pg-"))
    data = folder / "data"
    owner = _unprivileged()
    if owner is not None:
        os.chown(folder, owner.pw_uid, owner.pw_gid)

    def run(*command: str) -> None:
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            timeout=60,
            cwd=folder,
            user=owner.pw_uid if owner else None,
            group=owner.pw_gid if owner else None,
        )

    try:
        run(initdb, "-D", str(data), "-U", "ascend", "--auth=trust", "-E", "UTF8", "--no-sync")
        options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
        run(control, "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")
        try:
            yield f"postgresql+psycopg://ascend@/postgres?host={quote(str(folder))}"
        finally:
            run(control, "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> pwd.struct_passwd | None:
    """Return whom to run as: PostgreSQL refuses the superuser. None: ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.skip("PostgreSQL does not run as root, and there is nobody else to run it as")


def _beside(program: str | None, name: str) -> str | None:
    """Return a program of the same installation, which need not be on the path itself."""
    if program is None:
        return None
    beside = Path(program).resolve().parent / name
    return str(beside) if beside.is_file() else shutil.which(name)
