"""Halves of characters in JSON text: escapes of lone surrogates, as programs write that cut a text in the middle of a character.

RFC 8259 §8.2 leaves open what a reader does with them; most parsers refuse the whole text.
"""

import re

#: of more the parser judges: looking at each takes its time
MAX_HALVES = 50_000
#: what stands for one where somebody wants to know of it: a noncharacter, which no text has (Unicode 23.7)
HALF = "\ufdd0"
#: an escaped backslash, a pair of surrogates, or half of one
_ESCAPES = re.compile(rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})")


def without_halves(text: bytes, instead: bytes = rb"\ufffd") -> bytes:
    """Return JSON text with `instead`, an escape of its own, where a half stands; as it is where there are too many."""
    if 0 < text.count(b"\\ud") + text.count(b"\\uD") <= MAX_HALVES:
        return _ESCAPES.sub(lambda found: instead if found[1] else found[0], text)
    return text


def with_marked_halves(text: bytes) -> bytes:
    """Return JSON text with HALF where a half stands."""
    return without_halves(text, rb"\ufdd0")
