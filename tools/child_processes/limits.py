"""What a child process may use. It holds itself to it before it reads what others sent; the system enforces it from then on."""

import os
import resource
from dataclasses import dataclass

from tools.child_processes.landlock import confine

#: what takes long anyway lets everybody's calls go first
_NICENESS = 5


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """`memory_bytes` of address space, `cpu_s` of computing for one piece of work, `idle_s` of waiting for the next.

    `opens_nothing`: from its first piece of work on it can open no file, no socket and no pipe: nobody whom a broken parser lets in
    finds a way out, unless the system lets that process raise its own limits. Where the kernel has Landlock it cannot even then, and looks
    into no other process.
    """

    memory_bytes: int
    idle_s: float = 60.0
    cpu_s: int | None = None
    opens_nothing: bool = False

    def take_hold(self) -> None:
        """Hold this process to them. Modules and codecs that it needs must be loaded by now where it `opens_nothing`."""
        os.nice(_NICENESS)
        _lower(resource.RLIMIT_AS, self.memory_bytes)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if self.opens_nothing:
            confine()
            # Those that are open stay: nothing new gets a number below zero.
            resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))

    def begin_work(self) -> None:
        """Let the system end this process (SIGXCPU) once it has computed for `cpu_s` from now."""
        if self.cpu_s is not None:
            used = resource.getrusage(resource.RUSAGE_SELF)
            _lower(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + self.cpu_s + 1)


def _lower(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(hard, most), hard))
