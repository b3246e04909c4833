"""What every test may use."""

import compileall
import gc
import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

# As the program does, server/cli.py: the threads of a search wait for each other, and a core that waits is another worker's. Read when
# numpy is loaded, hence before it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings

from tests.compiled_statements import share_compiled_statements
from tests.examples import ALL
from tests.prompt_servers import look_often
from tests.quick_passwords import hash_quickly
from tests.shared_suite import SharedSuite, is_short
from tests.temporary_files import put_into_memory
from tests.worked_out_once import work_out_once
from tools.heavy_json.worker import WORKERS

pytest_plugins = ["tests.time_limit", "tests.shared_redis.nodes"]

REPOSITORY = Path(__file__).parents[1]

#: how the reasons begin for which a test may be skipped in CI too: none of them is a program that .ci/run could install
ALLOWED_SKIPS = (
    "the folder of shared development data",
    "no sealtools in the shared data",
    "no toole_single in the shared data",
    "no bfcl in the shared data",
    "the specification defines no such serialisation",
    # One of the two is always so; what is tested without an extra cannot be tested with it.
    "an OpenTelemetry exporter is installed",
    "numba is not installed",
    "this system does not tell the limits",
    "this system lets nobody be confined",
    "this system has no IPv6",
)

# The system's 150 authorities take 15 ms to read, for each client and each process; whoever a test trusts, it names.
os.environ["SSL_CERT_FILE"] = str(Path(__file__).with_name("no_authority.pem"))

put_into_memory()
share_compiled_statements()
hash_quickly()
look_often()
work_out_once()

# A developer's own settings must not leak into the suite.
for name in [name for name in os.environ if name.startswith("ASCEND_")]:
    del os.environ[name]

# A busy machine stalls for longer than an example takes: time is no property of what is tested.
settings.register_profile("thorough", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=ALL)
settings.register_profile("suite", settings.get_profile("thorough"), max_examples=ALL // 3)
settings.load_profile("suite")


@pytest.fixture(scope="session", autouse=True)
def children_end() -> Iterator[None]:
    """End the processes that read large answers."""
    yield
    WORKERS.close()


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio, which is what the server runs on."""
    return "asyncio"


@pytest.fixture
def shared_data() -> Path:
    """The folder of development data beside the repository; a test that asks for it is skipped where it is absent."""
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the folder of shared development data is not beside this repository")
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail in CI what was skipped for another reason: a program that is missing there is missed by nobody else."""
    report = yield
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr).removeprefix("Skipped: ")
        if not reason.startswith(ALLOWED_SKIPS):
            report.outcome = "failed"
            report.longrepr = f"skipped in CI: {reason}; install it in .ci/run, or allow the reason in tests/conftest.py"
    return report


def pytest_configure(config: pytest.Config) -> None:
    """Compile the packages first: where PYTHONDONTWRITEBYTECODE is set, each of a hundred processes would do so for itself.

    What pytest makes of the tests' assertions is kept as well: half of the time to collect them.
    """
    sys.dont_write_bytecode = False
    if not hasattr(config, "workerinput"):
        for package in ("server", "tools", "oauth", "capability_index"):
            compileall.compile_dir(REPOSITORY / package, quiet=2)
    if hasattr(config.option, "loadscopereorder"):
        # pytest-xdist begins with the groups of most tests; what takes longest is a few tests of whole programs.
        config.option.loadscopereorder = False
    # What is collected stays until the end: to look for garbage among it takes two fifths of the time to collect. Who only gives out work
    # collects nothing.
    if hasattr(config, "workerinput") or not getattr(config.option, "numprocesses", None):
        gc.disable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have the workers of pytest-xdist begin with what takes long; without it the order stays as it was."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: is_short(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SharedSuite | None:
    """Keep the tests of a group on one worker, where `--dist loadgroup` asks for it."""
    return SharedSuite(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_collection_finish() -> None:
    """Have the collector pass over what lives until the end, and begin with what tests make."""
    gc.collect()
    gc.freeze()
    gc.enable()
