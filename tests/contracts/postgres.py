"""A PostgreSQL of our own for one test session: in a temporary folder, on a Unix socket, gone afterwards."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest


@contextmanager
def postgres_server(*, survives_power_cut: bool = False) -> Iterator[str]:
    """Give the engine URL of an empty server, or skip where PostgreSQL is not installed. What measures it has it wait for the disk."""
    control, initdb = _program("pg_ctl"), _program("initdb")
    if control is None or initdb is None:
        pytest.skip("PostgreSQL is not installed here")
    folder = Path(tempfile.mkdtemp(prefix="ascend-pg-"))
    data = folder / "data"
    owner = _unprivileged()
    if owner is not None:
        os.chown(folder, owner.pw_uid, owner.pw_gid)

    try:
        _run(initdb, "-D", str(data), "-U", "ascend", "--auth=trust", "-E", "UTF8", "--no-sync", folder=folder)
        options = _options(folder, survives_power_cut)
        _run(control, "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start", folder=folder)
        try:
            yield f"postgresql+psycopg://ascend@/postgres?host={quote(str(folder))}"
        finally:
            _run(control, "-D", str(data), "-m", "immediate", "-w", "stop", folder=folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def stopped(url: str) -> Iterator[None]:
    """Stop the server at `url`, which ends every session, and start it again at the end."""
    folder = Path(parse_qs(urlsplit(url).query)["host"][0])
    command = (str(_program("pg_ctl")), "-D", str(folder / "data"), "-l", str(folder / "log"), "-w")
    _run(*command, "-m", "fast", "stop", folder=folder)
    try:
        yield
    finally:
        _run(*command, "-o", _options(folder), "start", folder=folder)


def _options(folder: Path, survives_power_cut: bool = False) -> str:
    return f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync={'on' if survives_power_cut else 'off'}"


def _run(*command: str, folder: Path) -> None:
    owner = _unprivileged()
    user, group = (owner.pw_uid, owner.pw_gid) if owner else (None, None)
    subprocess.run(command, check=True, capture_output=True, timeout=60, cwd=folder, user=user, group=group)


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


def _program(name: str) -> str | None:
    """Return a program of PostgreSQL: on the path, beside `pg_ctl` there, or where Debian puts what needs a version."""
    control = shutil.which("pg_ctl")
    beside = [Path(control).resolve().parent / name] if control else []
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]), reverse=True)
    return next((str(path) for path in (*beside, *installed) if path.is_file()), shutil.which(name))
