"""Landlock (Linux 5.13): a process confines itself, without privileges and for good, and so does whoever has taken it over.

Three system calls that have one number on every architecture, of which the standard library knows none (landlock(7), linux/landlock.h).
"""

import ctypes
import os
import sys

_CREATE_RULESET, _RESTRICT_SELF = 444, 446
_VERSION = 1
_PR_SET_NO_NEW_PRIVS = 38
#: version of the interface -> rights over files that it knows: each is one bit more
_FILES = {1: 13, 2: 14, 3: 15, 4: 15}
_FILES_SINCE_5 = 16
_BIND_AND_CONNECT = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


class _Ruleset(ctypes.Structure):
    """`struct landlock_ruleset_attr`: what is denied wherever no rule permits it; there are no rules."""

    _fields_ = [("handled_access_fs", ctypes.c_uint64), ("handled_access_net", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


def confine() -> bool:
    """Take from this process every file, and every look into another process; False where the system has no Landlock.

    Whoever is confined may trace, and so read the memory of, nobody who is not (landlock(7), "Ptrace restrictions"). With newer kernels
    it binds and connects no TCP socket (6.7) and signals no process outside (6.12). Its threads must begin after this.
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    if version < 1:
        return False
    rules = _Ruleset(
        (1 << _FILES.get(version, _FILES_SINCE_5)) - 1,
        _BIND_AND_CONNECT if version >= 4 else 0,
        _ABSTRACT_SOCKETS_AND_SIGNALS if version >= 6 else 0,
    )
    # An older kernel takes a shorter structure, whose end it knows nothing of.
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = libc.syscall(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), ctypes.c_uint32(0))
    if ruleset < 0:
        return False
    try:
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        return bool(libc.syscall(_RESTRICT_SELF, ruleset, ctypes.c_uint32(0)) == 0)
    finally:
        os.close(ruleset)
