"""How workers share the suite: which tests stay together, and which are begun first.

pytest-xdist takes groups from node ids, into which its workers write them; pytest 9.2 does not read what they write, and every test
was a group of its own: each worker opened the gateway of every module, a browser and a PostgreSQL. Here the path tells the group.
"""

import re
from functools import cache
from pathlib import Path

from xdist.scheduler.loadscope import LoadScopeScheduling

REPOSITORY = Path(__file__).parents[1]
#: tests of programs in processes of their own, of long runs, or of megabytes again and again
LONG = {"flows", "deploy", "conformance", "contracts", "ingestion", "console", "test_loop_watchdog.py"}
#: large programs that a worker starts once for all of its tests, as they name them
PROGRAMS = {"CHROMIUM": "chromium", "postgres_server": "postgresql"}
#: folders whose tests share what their conftest starts
SHARED = {"contracts": "postgresql", "conformance": "conformance"}


class SharedSuite(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Gives each worker one group after the other, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(nodeid: str) -> str:
    """Return the name of those tests that one worker runs: a module, or all that start the same large program."""
    path = nodeid.partition("::")[0]
    return _program_of(path) or next((SHARED[part] for part in Path(path).parts if part in SHARED), path)


def is_short(nodeid: str) -> bool:
    """Say whether a test may come late: a long one at the end leaves the other workers without any."""
    path = nodeid.partition("::")[0]
    return not _program_of(path) and LONG.isdisjoint(Path(path).parts)


@cache
def _program_of(path: str) -> str:
    text = (REPOSITORY / path).read_text(encoding="utf-8")
    return next((group for name, group in PROGRAMS.items() if re.search(rf"\b{name}\b", text)), "")
