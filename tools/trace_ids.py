"""Trace ids of our own: sorted by when they were made."""

import random
import time


def new_trace_id() -> str:
    """Return 48 bits of milliseconds and 80 of chance: rows that are written together stand together in the index over trace ids.

    W3C Trace Context level 2 asks for chance in the last seven bytes. An identifier, not a secret: the operating system's generator
    would cost ten times as much.
    """
    return ((time.time_ns() // 1_000_000 << 80) | random.getrandbits(80)).to_bytes(16).hex()
