"""A child that does what it is told, for the tests of the pool."""

import os
import socket
import sys
import time

from tools.child_processes.limits import ProcessLimits
from tools.child_processes.serving import serve

LIMITS = ProcessLimits(memory_bytes=256 << 20, idle_s=60, cpu_s=0, opens_nothing=True)


def answer(message: list[bytes]) -> list[bytes]:
    order, *given = message
    if order == b"echo":
        return given
    if order == b"pid":
        return [str(os.getpid()).encode()]
    if order == b"compute":
        while True:
            pass
    if order == b"sleep":
        time.sleep(60)
    if order == b"end":
        sys.exit(3)
    if order == b"grow":
        try:
            return [str(len(bytearray(int(given[0])))).encode()]
        except MemoryError:
            return [b"no memory"]
    return [_fault_of(order)]


def _fault_of(order: bytes) -> bytes:
    try:
        if order == b"connect":
            socket.socket()
        elif order == b"read":
            open("/etc/hostname").close()
        elif order == b"start":
            os.pipe()
    except OSError as error:
        return type(error).__name__.encode()
    return b"done"


if __name__ == "__main__":
    serve(answer, LIMITS)
