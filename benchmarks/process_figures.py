"""What processes use, as Linux tells it: memory with what is shared counted once, and processor time."""

import os
from pathlib import Path

_PROCESSES = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def with_children(process_id: int) -> list[int]:
    """Return a process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for folder in _PROCESSES.iterdir():
        if folder.name.isdigit() and (fields := _stat(int(folder.name))):
            parents.setdefault(int(fields[1]), []).append(int(folder.name))
    found = [process_id]
    for each in found:
        found += parents.get(each, [])
    return found


def pss_mb(process_ids: list[int]) -> float:
    """Return the proportional set size of all together, in MB of 2^20 bytes: a page that several share counts once."""
    return sum(_kb(each, "Pss:") for each in process_ids) / 1024


def cpu_s(process_ids: list[int]) -> float:
    """Return the processor seconds that they have used, in user mode and in the kernel for them."""
    return sum(int(fields[11]) + int(fields[12]) for each in process_ids if (fields := _stat(each))) / _TICKS_PER_S


def _kb(process_id: int, name: str) -> int:
    lines = (_PROCESSES / str(process_id) / "smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def _stat(process_id: int) -> list[str]:
    """Return what follows the name of the program, which may hold blanks: state, parent, ..."""
    try:
        return (_PROCESSES / str(process_id) / "stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return []
