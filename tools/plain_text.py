"""Words from elsewhere as they may be shown: without what nobody sees and a model reads all the same."""

import unicodedata

#: control, format (zero-width, bidirectional, tags), private and lone surrogate characters
_UNSEEN = ("Cc", "Cf", "Co", "Cs")
_SPACES = frozenset("\t\n\r\v\f\x85")


def visible(text: str) -> str:
    """Return `text` without characters that have no shape of their own; line breaks and tabs stay spaces."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(" " if sign in _SPACES else sign for sign in text if sign in _SPACES or unicodedata.category(sign) not in _UNSEEN)
