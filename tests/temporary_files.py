"""Temporary files in memory, where the system has room: the commits of the suite, thousands, each wait for a disk for milliseconds.

What a power cut leaves is no test's question, and what a killed process leaves is the same in memory.
"""

import os
import shutil
import tempfile
from pathlib import Path

#: a file system in memory, on Linux
MEMORY = Path("/dev/shm")
#: several times what the tests have at once, since what a passed test wrote is removed; a container often has 64 MB
NEEDED_BYTES = 2 << 30


def put_into_memory() -> None:
    """Have this process and its children put temporary files into memory, unless TMPDIR says where."""
    if "TMPDIR" not in os.environ and _has_room(MEMORY):
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None  # asked for again


def _has_room(folder: Path) -> bool:
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return False
    # Some tests start programs that they wrote.
    return not os.statvfs(folder).f_flag & os.ST_NOEXEC and shutil.disk_usage(folder).free >= NEEDED_BYTES
