"""Room for connections: open files."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.flows.gateway_process import running_gateway

LIMITED = """
import resource
from server.http.process_limits import allow_open_files
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, {hard}))
print(allow_open_files(500), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(("hard", "allowed"), [("hard", 500), ("200", 200)])
def test_the_limit_of_open_files_is_raised_as_far_as_it_may_be(hard: str, allowed: int) -> None:
    """Issue: 2,000 idle and 500 active connections held; most systems start a process with 1,024 files."""
    command = [sys.executable, "-c", LIMITED.format(hard=hard)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY, timeout=30)
    assert done.stdout.split()[:2] == [str(allowed), str(allowed)]


def test_a_gateway_may_open_more_files_than_it_was_started_with(tmp_path: Path) -> None:
    """`ascend serve` sees to it by itself."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if not Path("/proc/self/limits").exists():
        pytest.skip("this system does not tell the limits of another process")
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
    try:
        with running_gateway(tmp_path / "data", demo=False, from_nothing=True) as gateway:
            limits = Path(f"/proc/{gateway.process.pid}/limits").read_text()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    allowed = next(line.split()[3] for line in limits.splitlines() if line.startswith("Max open files"))
    assert int(allowed) == min(65_536, hard)
