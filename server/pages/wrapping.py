"""Where text from outside may break on a narrow screen: a host at its dots and hyphens, a title between its words only."""

import re

from markupsafe import Markup, escape

#: shorter ones fit on a line of a phone in the largest type of a card
FITS_CHARS = 24
#: a longer word may have to break somewhere
MAX_WHOLE_CHARS = 16
_PIECES = re.compile(r"[^.\-/:]*(?:[.\-/:]+|$)")


def breaking_host(text: str) -> Markup:
    """Return a host or an address that breaks after dots, hyphens, slashes and colons, and in smaller type where a label is long."""
    if len(text) <= FITS_CHARS:
        return escape(text)
    pieces = [piece for piece in _PIECES.findall(text) if piece]
    whole = Markup("<wbr>").join(pieces)
    longest = max(map(len, pieces))
    size = "longer" if longest > 30 else "long" if longest > 20 else ""
    return Markup('<span class="{}">{}</span>').format(size, whole) if size else whole


def whole_words(text: str) -> Markup:
    """Return a title whose words with a hyphen do not break at it."""
    return Markup(" ").join(map(_whole, text.split(" ")))


def _whole(word: str) -> Markup:
    return Markup('<span class="whole">{}</span>').format(word) if "-" in word and len(word) <= MAX_WHOLE_CHARS else escape(word)
