"""Programs that read or run what is shipped for them: proxies of the machine, tools of the dependency group `deploy`."""

import os
import shutil
import socket
import sys
from pathlib import Path

import pytest


def program(name: str) -> str:
    """Return where a program is. Skips the test where it is not installed."""
    beside_python = str(Path(sys.executable).parent)
    found = shutil.which(name, path=f"{beside_python}:{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def needs_ipv6() -> None:
    """Skip the test where not even loopback has IPv6."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this system has no IPv6")
