"""How a child process and who began it talk: the count of parts, then each with its length before it. Both ways, over pipes."""

import pickle
import struct
from collections.abc import Sequence
from io import BufferedReader, BufferedWriter

_COUNT, _LENGTH = struct.Struct(">I"), struct.Struct(">Q")

#: a buffer is written where it stands, without a copy
Part = bytes | pickle.PickleBuffer


def send(to: BufferedWriter, parts: Sequence[Part]) -> None:
    """Write one message. Raises OSError where nobody reads any more."""
    to.write(_COUNT.pack(len(parts)))
    for part in parts:
        raw = part.raw() if isinstance(part, pickle.PickleBuffer) else part
        to.write(_LENGTH.pack(len(raw)))
        to.write(raw)
    to.flush()


def receive(given: BufferedReader) -> list[bytes] | None:
    """Return the parts of one message, or None where what is read ended before the end of one."""
    head = given.read(_COUNT.size)
    if len(head) < _COUNT.size:
        return None
    parts = []
    for _ in range(_COUNT.unpack(head)[0]):
        head = given.read(_LENGTH.size)
        if len(head) < _LENGTH.size:
            return None
        length = _LENGTH.unpack(head)[0]
        part = given.read(length)
        if len(part) < length:
            return None
        parts.append(part)
    return parts
