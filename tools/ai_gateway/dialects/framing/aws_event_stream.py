"""AWS's binary event stream (application/vnd.amazon.eventstream): messages of headers and a payload, each with two checksums.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html describes the same framing for another service.
"""

import struct
import zlib
from collections.abc import Mapping

from tools.ai_gateway.dialects.exchange import MalformedAnswer

#: no message is larger (AWS allows 16 MB of payload and 128 KB of headers)
MAX_MESSAGE_BYTES = 16 * 2**20 + 128 * 2**10 + 16
_PRELUDE_BYTES = 12
_LEAST_BYTES = 16
#: type of a header's value -> its size; 6 and 7 (bytes, text) say theirs in two bytes
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_TEXT = 7


class MessageSplitter:
    """Gives whole messages as they came, checksums verified, the same for every way the bytes are cut."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages that `data` completes. Raises MalformedAnswer for a damaged one, once those before it are out."""
        waiting = self._waiting
        waiting += data
        messages: list[bytes] = []
        begin = 0
        try:
            while (length := _length(waiting, begin)) and len(waiting) - begin >= length:
                messages.append(_checked(bytes(memoryview(waiting)[begin : begin + length])))
                begin += length
        except MalformedAnswer:
            if not messages:
                raise
        del waiting[:begin]
        return messages

    def rest(self) -> bytes:
        """Return nothing: half a message is none."""
        return b""


def _length(waiting: bytearray, begin: int) -> int:
    """Return the length of the message that begins there; 0 where its prelude has not come yet."""
    if len(waiting) - begin < _PRELUDE_BYTES:
        return 0
    length, headers, checksum = struct.unpack_from(">III", waiting, begin)
    # The prelude has a checksum of its own, so that a damaged length is not waited for.
    if zlib.crc32(waiting[begin : begin + 8]) != checksum:
        raise MalformedAnswer("an event whose prelude is damaged")
    if not _LEAST_BYTES + headers <= length <= MAX_MESSAGE_BYTES:
        raise MalformedAnswer(f"an event of {length} bytes")
    return int(length)


def _checked(message: bytes) -> bytes:
    if zlib.crc32(memoryview(message)[:-4]) != int.from_bytes(message[-4:], "big"):
        raise MalformedAnswer("an event whose checksum is wrong")
    return message


def read_message(message: bytes) -> tuple[dict[str, str], bytes]:
    """Return the headers that are text, and the payload, of a checked message. Raises MalformedAnswer."""
    end = _PRELUDE_BYTES + int.from_bytes(message[4:8], "big")
    headers: dict[str, str] = {}
    at = _PRELUDE_BYTES
    try:
        while at < end:
            begin = at + 1
            at = begin + message[at]
            name, kind = message[begin:at].decode(), message[at]
            at += 1
            size = _SIZES.get(kind)
            if size is None:
                size = int.from_bytes(message[at : at + 2], "big")
                at += 2
                if kind == _TEXT:
                    headers[name] = message[at : at + size].decode()
            at += size
    except (IndexError, UnicodeDecodeError) as error:
        raise MalformedAnswer("an event whose headers are damaged") from error
    if at != end:
        raise MalformedAnswer("an event whose headers are damaged")
    return headers, message[end:-4]


def written_message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Return a message with text headers."""
    fields = b"".join(
        bytes([len(name)]) + name.encode() + bytes([_TEXT]) + len(value.encode()).to_bytes(2, "big") + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack(">II", _LEAST_BYTES + len(fields) + len(payload), len(fields))
    message = prelude + zlib.crc32(prelude).to_bytes(4, "big") + fields + payload
    return message + zlib.crc32(message).to_bytes(4, "big")
