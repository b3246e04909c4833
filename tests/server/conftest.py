from collections.abc import Iterator

import pytest

from tests.forked.program import run_program
from tests.s3_server import S3Server, running_s3


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """One server for all tests of a worker, each with a bucket of its own."""
    with running_s3() as server:
        yield server


@pytest.fixture
def forked_backups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that make and try backups are forked, which spares each the loading of the program."""
    monkeypatch.setattr("server.assembly.backup_processes.run_program", run_program)
