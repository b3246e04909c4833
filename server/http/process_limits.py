"""Room for connections: how many files the process may have open."""

import ctypes
import gc
import resource
import sys

#: Connections, upstream connections and files together; the limit that processes start with is often 1,024.
MAX_OPEN_FILES = 65_536


def allow_open_files(most: int = MAX_OPEN_FILES) -> int:
    """Let this process have `most` files open, or as many as it may allow itself (`ulimit -Hn`); return how many that is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):
        # The system has a lower limit of its own (macOS): what was allowed stays.
        return soft
    return wanted


_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # malloc.h of glibc


_LARGE_BYTES = 1 << 18


_ARENAS = 2


_COLLECT_AFTER = (5_000, 5, 5)


def give_back_large_blocks() -> None:
    """Have glibc map every large block by itself, which returns it when it is freed; to be called before anything is loaded.

    By default the first freed block of a size makes glibc keep later ones: 19 MB for each thread that ever checked a password,
    60 MB from loading the word table.
    """
    mallopt = _libc("mallopt")
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_M_ARENA_MAX, _ARENAS)


def settle() -> None:
    """Give back what starting left, and let the collector pass over what lives until the end.

    Frozen objects are never looked at again, which keeps full collections out of the tail of the latencies.
    """
    gc.collect()
    # decision 0018.
    gc.freeze()
    # A call makes some hundred objects and hardly a cycle: by default it would be looked through several times.
    gc.set_threshold(*_COLLECT_AFTER)
    trim = _libc("malloc_trim")
    if trim is not None:
        trim(0)


def _libc(name: str) -> "ctypes._NamedFuncPointer | None":
    """Return a function of glibc; None on other systems and with other C libraries."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
