"""Room for connections: how many files the process may have open."""

import resource

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
