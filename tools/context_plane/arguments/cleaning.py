"""Text from callers as it is kept: without what no store or reader can bear, and what shows other words than it holds."""

import re
import unicodedata
from functools import cache

#: NUL and other controls but tab and line feed; lone surrogates, and what stands for them (tools/text/half_characters.py); what turns the
#: direction of text; tags that nobody sees
_UNBEARABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
)
#: on one letter; no language has so many (UAX #15 §13, Stream-Safe Text Format)
MAX_MARKS = 30
#: in Unicode 14 to 17
_LAST_MARK = 0x1E94A


def kept_text(text: str) -> str:
    """Return `text` in NFC without what cannot be kept; lines stay lines."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    cleaned = _UNBEARABLE.sub("", lines)
    return cleaned if cleaned.isascii() else unicodedata.normalize("NFC", _stacked().sub(r"\1", cleaned))


def kept_line(text: str) -> str:
    """Return `text` as one line: for names, values and addresses."""
    return " ".join(kept_text(text.replace("\x00", "")).split())


def is_clean(text: str) -> bool:
    """Say whether there is nothing in `text` that has to go. Spaces and line ends are nothing to speak of."""
    return _UNBEARABLE.search(text.replace("\r", "\n")) is None and (text.isascii() or _stacked().search(text) is None)


@cache
def _stacked() -> re.Pattern[str]:
    """Return what finds more than MAX_MARKS in a row: putting them in order takes the square of their number, and all wait meanwhile."""
    marks = "".join(sign for sign in map(chr, range(0x300, _LAST_MARK + 1)) if unicodedata.combining(sign))
    return re.compile(f"([{marks}]{{{MAX_MARKS}}})[{marks}]+")
