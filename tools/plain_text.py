"""Words from elsewhere as they may be shown: without what nobody sees and a model reads all the same."""

import json
import unicodedata

#: control, format (zero-width, bidirectional, tags), private and lone surrogate characters
_UNSEEN = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
#: noncharacters, which no text has (Unicode 23.7): U+FDD0 to U+FDEF, and the last two of each plane
_NOTHING = frozenset(map(chr, [*range(0xFDD0, 0xFDF0), *(plane << 16 | last for plane in range(17) for last in (0xFFFE, 0xFFFF))]))
_SPACES = dict.fromkeys(map(ord, "\t\n\r\v\f\x85\u2028\u2029"), " ")


def has_unseen(text: str) -> bool:
    """Say whether `visible` would leave something out."""
    return not text.isprintable() and any(_is_unseen(sign) for sign in text.translate(_SPACES))


def written_out(text: str) -> str:
    """Return `text` on one line, its unseen characters as JSON escapes: for names and values that somebody has to give back."""
    if text.isprintable():
        return text
    return "".join(_escape(sign) if sign in "\r\n\t" or _is_unseen(sign) else sign for sign in text)


def _escape(sign: str) -> str:
    return json.dumps(sign)[1:-1]


def visible(text: str) -> str:
    """Return `text` without characters that have no shape of their own; line breaks and tabs become spaces."""
    spaced = text.translate(_SPACES)
    return spaced if spaced.isprintable() else "".join(sign for sign in spaced if not _is_unseen(sign))


def _is_unseen(sign: str) -> bool:
    return sign in _NOTHING or unicodedata.category(sign) in _UNSEEN
