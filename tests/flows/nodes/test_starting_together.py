"""Nodes that start at the same moment on nothing: all of them come up, on one store with one set of keys."""

import signal
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from secrets import token_bytes

import httpx2
import pytest

from tests.contracts.postgres import postgres_server
from tests.flows.gateway_process import environment, read_until_ready
from tests.forked.program import ForkedProgram
from tests.ports import free_port
from tests.waiting import until_here

NODES = 3


@contextmanager
def starting(data_dir: Path, output: Path, **extra: str) -> Iterator[tuple[ForkedProgram, int, Path, Path]]:
    """Begin `ascend serve` and wait for nothing."""
    port = free_port()
    out, err = output.with_suffix(".out"), output.with_suffix(".err")
    out.touch()
    err.touch()
    process = ForkedProgram(["serve", "--port", str(port), "--data", str(data_dir)], environment(extra), out, err)
    try:
        yield process, port, out, err
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=60)
        finally:
            process.kill()


def all_are_ready(nodes: list[tuple[ForkedProgram, int, Path, Path]]) -> None:
    for process, _port, out, err in nodes:
        read_until_ready(process, out, err)
    for process, port, _out, err in nodes:
        url = f"http://127.0.0.1:{port}/readyz"
        # A check that takes too long on a machine that starts three at once says that it failed.
        until_here(lambda url=url, process=process: process.poll() is not None or httpx2.get(url, timeout=30).status_code == 200)  # type: ignore[misc]
        assert process.poll() is None, err.read_text(encoding="utf-8")[-2000:]


@pytest.mark.parametrize("_try", range(2))
def test_on_an_empty_folder(tmp_path: Path, _try: int) -> None:
    """One SQLite file, one key in a file beside it, one index."""
    with ExitStack() as stack:
        all_are_ready([stack.enter_context(starting(tmp_path / "data", tmp_path / f"node{n}")) for n in range(NODES)])


def test_on_an_empty_postgresql(tmp_path: Path) -> None:
    """Each machine has a folder of its own; the key comes from the operator."""
    with postgres_server() as url, ExitStack() as stack:
        extra = {
            "ASCEND_DATABASE_URL": url.replace("postgresql+psycopg://", "postgresql://"),
            "ASCEND_VAULT_KEK": b64encode(token_bytes(32)).decode(),
        }
        all_are_ready([stack.enter_context(starting(tmp_path / f"data{n}", tmp_path / f"node{n}", **extra)) for n in range(NODES)])
