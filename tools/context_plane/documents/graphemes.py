"""Where text may be cut: not within what a reader sees as one character (UAX #29, extended grapheme clusters).

The rules that need no tables beyond Python's own: marks stay with what they mark, emoji sequences, flags and Hangul syllables whole.
"""

import unicodedata

#: A pile of marks longer than this is no character of any language (UAX #15 §13 allows 30): it may be cut.
_MAX_CLUSTER = 60
#: of flags in a row, which can be told apart from the first of them on only; even
_MAX_FLAG_LETTERS = 4_000
_FLAG_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))
_ZWJ, _ZWNJ = "\u200d", "\u200c"


def boundary_before(text: str, at: int, lowest: int) -> int:
    """Return the last place in (lowest, at] where no grapheme is cut; `at` where there is none."""
    for place in range(at, max(lowest, at - _MAX_CLUSTER), -1):
        if is_boundary(text, place):
            return place
    return at


def boundary_after(text: str, at: int, highest: int) -> int:
    """Return the first place in [at, highest) where no grapheme is cut; `highest` where there is none."""
    return next((place for place in range(at, min(highest, at + _MAX_CLUSTER)) if is_boundary(text, place)), highest)


def is_boundary(text: str, at: int) -> bool:
    """Say whether a cut before `text[at]` leaves every grapheme whole."""
    if at <= 0 or at >= len(text):
        return True
    before, after = text[at - 1], text[at]
    if after < "\u0300" and before < "\u0300":
        return (before, after) != ("\r", "\n")  # GB3
    if _extends(after) or before == _ZWJ:  # GB9, GB9a, GB11
        return False
    if _is_flag_letter(before) and _is_flag_letter(after):  # GB12, GB13
        return _flag_letters_before(text, at) % 2 == 0
    if _is_hangul(before) and _is_hangul(after):  # GB6 to GB8
        return not _joins_hangul(before, after)
    # GB9c: a conjunct of Indic scripts goes on behind its virama.
    return unicodedata.combining(before) != 9 or unicodedata.category(after) != "Lo"


def _extends(sign: str) -> bool:
    return (
        unicodedata.category(sign) in ("Mn", "Me", "Mc")
        or sign in (_ZWJ, _ZWNJ, "\u0e33", "\u0eb3", "\uff9e", "\uff9f")
        or "\U0001f3fb" <= sign <= "\U0001f3ff"
        or "\U000e0020" <= sign <= "\U000e007f"
    )


def _is_flag_letter(sign: str) -> bool:
    return "\U0001f1e6" <= sign <= "\U0001f1ff"


def _flag_letters_before(text: str, at: int) -> int:
    run = text[max(0, at - _MAX_FLAG_LETTERS) : at]
    return len(run) - len(run.rstrip(_FLAG_LETTERS))


def _is_hangul(sign: str) -> bool:
    return "\u1100" <= sign <= "\u11ff" or "\ua960" <= sign <= "\ua97c" or "\uac00" <= sign <= "\ud7fb"


def _joins_hangul(before: str, after: str) -> bool:
    first, second = _hangul_kind(before), _hangul_kind(after)
    return (
        (first == "L" and second in ("L", "V", "LV", "LVT"))
        or (first in ("LV", "V") and second in ("V", "T"))
        or (first in ("LVT", "T") and second == "T")
    )


def _hangul_kind(sign: str) -> str:
    """Return the kind of a jamo or syllable (Unicode §3.12): L leads, V is the vowel, T ends."""
    if "\uac00" <= sign <= "\ud7a3":
        return "LVT" if (ord(sign) - 0xAC00) % 28 else "LV"
    if "\u1160" <= sign <= "\u11a7" or "\ud7b0" <= sign <= "\ud7c6":
        return "V"
    return "L" if sign <= "\u115f" or "\ua960" <= sign <= "\ua97c" else "T"
