"""Take a port before anything is opened, so that a taken one is said at once and in plain words; and room for its connections."""

import resource
import socket

from server.config import SettingsError

#: Connections, upstream connections and files together; the limit that processes start with is often 1,024.
MAX_OPEN_FILES = 65_536


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises SettingsError where the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = error.strerror if isinstance(error, OSError) else "not a port"
        raise SettingsError(f"{host}:{port}: {reason}; stop what listens there or choose another port with --port") from error
    listener.setblocking(False)
    return listener


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
