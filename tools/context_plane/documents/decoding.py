"""Bytes of text to text: a mark tells the charset, or their form, or what was declared; the rest is read as windows-1252."""

from tools.text.charsets import codec_of, decoded, mark_of

#: what is looked at to tell UTF-16 without a mark, and binary data from text
_SAMPLE_BYTES = 8_192
#: of a UTF-8 text, how many of its characters beyond ASCII may be broken: a text that was cut, and not one of another charset
_BROKEN_SHARE = 0.1
#: that a short text may have by accident
_FEW_CONTROLS = 16
_TEXT_CONTROLS = b"\t\n\x0b\x0c\r\x1b"
_NO_TEXT = bytes(set(range(0x20)) - set(_TEXT_CONTROLS)) + b"\x7f"


def is_binary(content: bytes, charset: str | None) -> bool:
    """Say whether `content` is no text in the charset that was declared, nor in one that it tells: every tenth byte is a control."""
    if mark_of(content) or _wide_form(content) or _wide_codec(charset):
        return False
    sample = content[:_SAMPLE_BYTES]
    controls = len(sample) - len(sample.translate(None, _NO_TEXT))
    return controls > _FEW_CONTROLS and controls * 10 > len(sample)


def text_of(content: bytes, charset: str | None) -> tuple[str, tuple[str, ...]]:
    """Return the text of `content`, and a note where the charset was guessed or bytes were lost. Never raises."""
    if mark := mark_of(content):
        codec, length = mark
        return _unbroken(content[length:], codec)
    if wide := _wide_form(content):
        return _unbroken(content, wide)
    if (wide := _wide_codec(charset)) and not content.isascii():
        return _unbroken(content, wide)
    try:
        return content.decode(), ()
    except UnicodeDecodeError:
        pass
    known = codec_of(charset) if charset else None
    if known and (as_declared := decoded(content, known)) is not None:
        return as_declared, ()
    # Half a surrogate pair, written as if it were a character: what is cleaned says so.
    text, notes = _unbroken(content, "utf_8")
    if not notes:
        return text, ()
    broken = text.count("\ufffd")
    if broken <= _BROKEN_SHARE * (sum(not sign.isascii() for sign in text) - broken):
        return text, notes
    return decoded(content, "latin_1") or "", ("no charset was declared and it is not UTF-8: read as windows-1252",)


def _unbroken(content: bytes, codec: str) -> tuple[str, tuple[str, ...]]:
    try:
        return content.decode(codec, "surrogatepass"), ()
    except UnicodeDecodeError:
        text = content.decode(codec, "replace")
        broken = text.count("\ufffd")
        return text, (
            f"{broken:,} {'place' if broken == 1 else 'places'} that {codec.replace('_', '-').upper()} cannot have, read as U+FFFD",
        )


def _wide_codec(charset: str | None) -> str | None:
    """Return the codec of a declared charset whose characters take two bytes or four."""
    codec = codec_of(charset) if charset else None
    return codec if codec and codec.startswith(("utf_16", "utf_32")) else None


def _wide_form(content: bytes) -> str | None:
    """Return the form of UTF-16 without a mark that most text of `content` would be: a zero beside every letter of Latin script."""
    sample = content[: _SAMPLE_BYTES & ~1]
    if len(sample) < 4 or len(content) % 2:
        return None
    high, low = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if low * 2 > half and high * 20 < half:
        return "utf_16_le"
    return "utf_16_be" if high * 2 > half and low * 20 < half else None
