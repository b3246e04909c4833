"""Text without what nobody sees: nulls, controls, lone surrogates, bidi controls and invisible marks go, and it is said how many.

What belongs to writing stays: zero-width joiners and non-joiners, zero-width spaces, variation selectors and combining marks.
"""

import re
from collections import Counter

#: Unicode line ends besides \n, which alone ends a line in kept text
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
#: Unicode's property Bidi_Control: text that is shown in another order than it is read
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
#: soft hyphens and byte order marks split words; tags and noncharacters spell what a model reads and a person does not see
_INVISIBLE = "\u00ad\u2060-\u2064\ufeff\ufffe\uffff\U000e0000-\U000e007f"
_CONTROLS = "\x01-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"
_SURROGATES = "\ud800-\udfff"
#: what is cleaned, by its name in one and in many, and what stands in its place
_CLEANED = (
    ("null", "nulls", "\x00", ""),
    ("control character", "control characters", _CONTROLS, ""),
    ("lone surrogate", "lone surrogates", _SURROGATES, "\ufffd"),
    ("bidi control", "bidi controls", _BIDI, ""),
    ("invisible character", "invisible characters", _INVISIBLE, ""),
)
_ANY = re.compile("[\r\x0b\x0c\x85\u2028\u2029" + "".join(signs for _, _, signs, _ in _CLEANED) + "]")
#: the same of ASCII, which is most text and looked through faster
_ANY_ASCII = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_RULES = tuple((one, re.compile(f"[{signs}]"), instead) for one, _, signs, instead in _CLEANED)


def cleaned(text: str, counts: Counter[str]) -> str:
    """Return `text` with \\n as its only line end and nothing unseen, and count what was cleaned."""
    if not (_ANY_ASCII if text.isascii() else _ANY).search(text):
        return text
    text = _LINE_ENDS.sub("\n", text)
    for one, signs, instead in _RULES:
        text, count = signs.subn(instead, text)
        if count:
            counts[one] += count
    return text


def said_of(counts: Counter[str]) -> tuple[str, ...]:
    """Return what was cleaned, in words."""
    return tuple(
        f"{counts[one]:,} {one if counts[one] == 1 else many} {'replaced by U+FFFD' if instead else 'removed'}"
        for one, many, _, instead in _CLEANED
        if counts[one]
    )
