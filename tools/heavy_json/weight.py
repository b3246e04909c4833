"""How long JSON text would keep the interpreter, weighed before it is decoded: a thread does not help against what never lets go of it.

A unit is a quarter of a microsecond: what decoding one value, encoding it again and freeing it take together
(docs/decisions/0027-heavy-json-stays-text.md has the measurements).
"""

from collections.abc import AsyncIterator

from tools.turns import in_turns

#: What comes to more than this would stop everybody for more than some 15 ms.
MAX_WEIGHT = 60_000
#: bytes of text that take as long as one value
_BYTES_A_UNIT = 40
#: of a charset whose decoder looks at each character, and at each that it cannot read for a microsecond
_MAX_DECODED_BYTES = 256 * 1024
#: what is weighed in one go
_STEP_BYTES = 128 * 1024
#: values of a body that a client may send; it is decoded, checked and encoded several times before anything waits
MAX_SENT_VALUES = 50_000


def weight(text: bytes) -> int:
    """Return about how many units `text` takes. What stands in strings counts like what stands outside: it errs to the heavy side."""
    return len(text) // _BYTES_A_UNIT + text.count(b",") + text.count(b"[") + text.count(b"{")


def is_heavy(text: bytes) -> bool:
    """Say whether `text` is not to become objects in a process that serves others."""
    # What is short cannot be heavy and what is long must be: only what is between is counted.
    return len(text) > MAX_WEIGHT and (len(text) > MAX_WEIGHT * _BYTES_A_UNIT or weight(text) > MAX_WEIGHT)


def is_heavy_content(body: bytes, media_type: str) -> bool:
    """Say the same of a body of any type: lines may be values, and charsets other than UTF-8 take their time."""
    if is_heavy(body):
        return True
    named = media_type.lower()
    if "charset" in named and "utf-8" not in named and len(body) > _MAX_DECODED_BYTES:
        return True
    return "json" not in named.partition(";")[0].replace("ndjson", "") and len(body) > MAX_WEIGHT and body.count(b"\n") > MAX_WEIGHT // 3


def values_in_text(text: bytes, most: int) -> int:
    """Return how many values JSON text holds, strings not looked into; a number above `most` is not exact."""
    rough = text.count(b",") + text.count(b"[") + text.count(b"{")
    if rough <= most:
        return rough
    bare = without_escapes(text)
    # Two quotes make a string, and two strings at least one value.
    if (strings := bare.count(b'"') // 2) > 2 * most:
        return strings // 2
    outside = outside_strings(bare)
    return outside.count(b",") + outside.count(b"[") + outside.count(b"{")


async def values_in_turns(text: bytes, most: int) -> int:
    """Return what `values_in_text` does, a part at a time: others have a turn in between."""
    if len(text) <= 2 * _STEP_BYTES:
        return values_in_text(text, most)
    found = 0
    async for outside in outside_in_turns(text):
        found += outside.count(b",") + outside.count(b"[") + outside.count(b"{")
        if found > most:
            break
    return found


async def outside_in_turns(text: bytes) -> AsyncIterator[bytes]:
    """Yield what of JSON text stands outside strings, a part at a time: others have a turn in between."""
    is_outside, at = True, 0
    async for _ in in_turns(range(len(text) // _STEP_BYTES + 1)):
        if at >= len(text):
            break
        end = _whole_end(text, at, at + _STEP_BYTES)
        parts = without_escapes(text[at:end]).split(b'"')
        yield b"".join(parts[0 if is_outside else 1 :: 2])
        is_outside = is_outside == (len(parts) % 2 == 1)
        at = end


def _whole_end(text: bytes, begin: int, end: int) -> int:
    """Return `end`, or the place behind the escape that it would cut; `begin` is not within one."""
    part = text[begin:end]
    return end + (len(part) - len(part.rstrip(b"\\"))) % 2


def without_escapes(text: bytes) -> bytes:
    """Return JSON text without escaped quotes and backslashes: every quote that is left begins or ends a string."""
    return text.replace(b"\\\\", b"").replace(b'\\"', b"")


def outside_strings(bare: bytes) -> bytes:
    """Return what `without_escapes` has left, without its strings: numbers, words, brackets and separators."""
    return b"".join(bare.split(b'"')[::2])
