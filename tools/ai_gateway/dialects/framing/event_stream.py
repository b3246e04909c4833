"""Server-sent events (WHATWG HTML §9.2) as bytes: whole blocks out of chunks that are cut anywhere, and what a block says."""

import re

from tools.ai_gateway.dialects.exchange import MalformedAnswer
from tools.heavy_json.weight import values_in_text

#: no event of a model is larger; pictures and finished responses are of some megabytes
MAX_EVENT_BYTES = 16 * 2**20
#: of what is decoded of it, its pictures aside: some 30 ms where all of it is escapes
MAX_READ_BYTES = 4 * 2**20
#: nor has more values: decoding that many takes some 15 ms, and a reader looks at them too
MAX_EVENT_VALUES = 20_000
MAX_EVENT_LINES = 20_000
_WEIGHED_BYTES = 256 * 1024
#: of an event whose texts may have all the commas; the texts of longer ones are not looked through
_MAX_EXACT_BYTES = 2 << 20
_BOM = b"\xef\xbb\xbf"
# Atomic, or CR LF would pass for two ends of line.
_BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")


class EventSplitter:
    """Gives the blocks of a stream as they came, blank line included, the same for every way the bytes are cut."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        #: how much of `_waiting` was looked through
        self._seen = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Return the blocks that `data` completes. Raises MalformedAnswer for one that is beyond MAX_EVENT_BYTES and still not complete."""
        waiting = self._waiting
        # Most streams: whole events, ends of line of LF.
        if not waiting and data.endswith(b"\n\n") and not data.endswith(b"\n\n\n") and b"\r" not in data:
            return [block + b"\n\n" for block in data[:-2].split(b"\n\n")]
        waiting += data
        blocks = []
        begin, at = 0, self._seen
        while found := _BLANK_LINE.search(waiting, at):
            end = found.end()
            # The LF of a CR LF may still be on its way.
            if end == len(waiting) and waiting[-1] == 0x0D:
                break
            blocks.append(bytes(memoryview(waiting)[begin:end]))
            begin = at = end
        del waiting[:begin]
        # A blank line is of four bytes at the most: of those that may begin one, three are looked at again.
        self._seen = max(0, len(waiting) - 3)
        if len(waiting) > MAX_EVENT_BYTES and not blocks:
            raise MalformedAnswer(f"an event of more than {MAX_EVENT_BYTES} bytes")
        return blocks

    def rest(self) -> bytes:
        """Return what came after the last blank line, with one of its own: some end a body without it."""
        rest = bytes(self._waiting)
        self._waiting.clear()
        self._seen = 0
        return rest.rstrip(b"\r\n") + b"\n\n" if rest.strip() else b""


def data_of(block: bytes) -> bytes | None:
    """Return the data of a block, its lines joined; None where it has none (a comment, a bare name).

    Raises MalformedAnswer for one of more than MAX_EVENT_LINES lines.
    """
    # Most blocks are one line of data, behind its name or alone.
    begin = block.find(b"\n") + 1 if block.startswith(b"event: ") else 0
    if block.startswith(b"data: ", begin) and block.find(b"\n", begin) == len(block) - 2 and b"\r" not in block:
        return block[begin + 6 : -2]
    # A comment alone, which some send by the thousand.
    if block.startswith(b":") and block.find(b"\n") == len(block) - 2 and b"\r" not in block:
        return None
    if block.count(b"\n") + block.count(b"\r") > MAX_EVENT_LINES:
        raise MalformedAnswer(f"an event of more than {MAX_EVENT_LINES} lines")
    lines = [line for line in _fields(block) if line.startswith(b"data") and line[4:5] in (b":", b"")]
    if not lines:
        return None
    return b"\n".join(line[5:].removeprefix(b" ") for line in lines)


def name_of(block: bytes) -> str:
    """Return the event's name, "" where it has none."""
    names = [line[6:].removeprefix(b" ") for line in _fields(block) if line.startswith(b"event:")]
    return names[-1].decode("utf-8", "replace") if names else ""


def _fields(block: bytes) -> list[bytes]:
    return block.removeprefix(_BOM).splitlines()


def event(data: bytes, name: str = "") -> bytes:
    """Return one block; `data` is of one line, as JSON always is."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), data) if name else b"data: %s\n\n" % data


def is_heavy_event(data: bytes) -> bool:
    """Say whether the JSON of an event holds more than MAX_EVENT_VALUES values; in doubt about a long one, yes."""
    if len(data) <= MAX_EVENT_VALUES:
        return False
    rough = 0
    for at in range(0, len(data), _WEIGHED_BYTES):
        part = data[at : at + _WEIGHED_BYTES]
        rough += part.count(b",") + part.count(b"[") + part.count(b"{")
        if rough > MAX_EVENT_VALUES:
            return len(data) > _MAX_EXACT_BYTES or values_in_text(data, MAX_EVENT_VALUES) > MAX_EVENT_VALUES
    return False
