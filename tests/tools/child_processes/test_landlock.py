"""A child that confines itself reads nobody's memory, opens no file and signals nobody outside (landlock(7))."""

import ctypes
import json
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY

#: what a parser that was taken over would try, before and after; each by its error number, 0 where it came through
TRIES = """
import ctypes, json, os, sys
from tools.child_processes.landlock import confine

class Place(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]

libc = ctypes.CDLL(None, use_errno=True)
parent, address = os.getppid(), int(sys.argv[1])

def read_parent():
    found = ctypes.create_string_buffer(8)
    here, there = Place(ctypes.addressof(found), 8), Place(address, 8)
    count = libc.process_vm_readv(parent, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
    return 0 if count == 8 else ctypes.get_errno()

def of(work):
    try:
        work()
    except OSError as error:
        return error.errno
    return 0

def tried():
    return {"memory": read_parent(), "file": of(lambda: open("/etc/passwd").close()), "signal": of(lambda: os.kill(parent, 0))}

before = tried()
print(json.dumps([before, confine(), tried()]))
"""
EPERM, EACCES = 1, 13


def test_a_confined_child_looks_into_nobody() -> None:
    """Decision 0045. Before, where the kernel lets it, it could: so the second look fails for the confinement."""
    secret = ctypes.create_string_buffer(b"our keys")
    command = [sys.executable, "-c", TRIES, str(ctypes.addressof(secret))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd=REPOSITORY)
    before, is_confined, after = json.loads(done.stdout)
    if not is_confined:
        pytest.skip("this kernel has no Landlock")
    assert (before["file"], before["signal"]) == (0, 0)
    assert (after["memory"], after["file"]) == (EPERM, EACCES)
    assert after["signal"] in (0, EPERM), "from Linux 6.12 on"
