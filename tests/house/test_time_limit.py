"""A test that hangs fails under its own name and says where it stood; the tests after it run."""

from pathlib import Path

import pytest

from tests.forked.module import AS_LOADED, ForkedModule

HANGING = """
import threading
import anyio
import hypothesis  # what pytest loads at the first test is no part of its time
import pytest

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.time_limit(1)
async def test_of_a_loop(anyio_backend):
    await anyio.Event().wait()

@pytest.mark.time_limit(1)
def test_of_a_lock():
    threading.Event().wait()

@pytest.mark.time_limit(1)
async def test_that_never_yields(anyio_backend):
    while True:
        pass

@pytest.fixture
def hanging():
    threading.Event().wait()

@pytest.mark.time_limit(1)
def test_of_a_fixture(hanging):
    pass

def test_after_them():
    pass
"""


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["one process", "workers"])
def test_what_hangs_fails_by_its_name_and_the_next_test_runs(tmp_path: Path, workers: tuple[str, ...]) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nanyio_mode = auto\nmarkers = time_limit(seconds): of each phase\n")
    (tmp_path / "test_hanging.py").write_text(HANGING)

    words = (*AS_LOADED, "-p", "tests.time_limit", "-p", "no:cacheprovider", *workers, f"--rootdir={tmp_path}", str(tmp_path))
    told = ForkedModule("pytest", *words).communicate()

    for name, phase in [("of_a_loop", "call"), ("of_a_lock", "call"), ("that_never_yields", "call"), ("of_a_fixture", "setup")]:
        assert f"test_hanging.py::test_{name}: {phase} took longer than 1 s" in told
    assert "3 failed, 1 passed, 1 error" in told
    assert "Current thread" in told, "no stacks of the threads"
    assert "waits at" in told, "no stacks of the tasks"
