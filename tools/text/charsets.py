"""Charsets that text may come in: the names of the WHATWG Encoding Standard and their aliases, and no other codec of Python's.

Python also has codecs that are no charsets (`idna`, `punycode`, `unicode_escape`): some raise what a decoder should not, and some
take quadratic time. A name from outside is looked up in this table alone.
"""

import codecs
from encodings.aliases import aliases

_UNICODE = ("utf_8", "utf_16", "utf_16_le", "utf_16_be", "utf_32", "utf_32_le", "utf_32_be")
_EAST_ASIAN = ("gbk", "gb2312", "gb18030", "big5", "big5hkscs", "euc_jp", "shift_jis", "cp932", "iso2022_jp", "euc_kr", "cp949")
_ONE_BYTE = ("ascii", "latin_1", "koi8_r", "koi8_u", "mac_roman", "mac_cyrillic", "cp437", "cp850", "cp852", "cp855", "cp866", "cp874")
_ISO_8859 = tuple(f"iso8859_{part}" for part in (*range(2, 12), *range(13, 17)))
_WINDOWS = tuple(f"cp{page}" for page in range(1250, 1259))
_CODECS = frozenset((*_UNICODE, *_EAST_ASIAN, *_ONE_BYTE, *_ISO_8859, *_WINDOWS))
_MORE_NAMES = {
    "unicode_1_1_utf_8": "utf_8",
    "utf8mb4": "utf_8",
    "utf8mb3": "utf_8",
    "utf_8_sig": "utf_8",
    "unicode": "utf_16",
    "ucs_2": "utf_16",
    "iso8859_1": "latin_1",
    "iso_8859_8_i": "iso8859_8",
    "x_sjis": "shift_jis",
    "x_gbk": "gbk",
    "x_euc_jp": "euc_jp",
    "x_x_big5": "big5",
    "x_mac_cyrillic": "mac_cyrillic",
    "tis_620": "iso8859_11",
}
#: longest first: the mark of UTF-32 LE begins with that of UTF-16 LE
_MARKS = (
    (codecs.BOM_UTF8, "utf_8"),
    (codecs.BOM_UTF32_LE, "utf_32_le"),
    (codecs.BOM_UTF32_BE, "utf_32_be"),
    (codecs.BOM_UTF16_LE, "utf_16_le"),
    (codecs.BOM_UTF16_BE, "utf_16_be"),
)


def codec_of(charset: str) -> str | None:
    """Return Python's name of a charset, or None for one that is not known; it never raises."""
    name = charset.strip(" \t\"'").lower().replace("-", "_").replace(" ", "_").replace(":", "_")
    codec = _MORE_NAMES.get(name) or aliases.get(name, name)
    return codec if codec in _CODECS else None


def load_codecs() -> None:
    """Load every codec of the table: for a process that will not be able to open their files."""
    for codec in _CODECS:
        codecs.lookup(codec)


def mark_of(body: bytes) -> tuple[str, int] | None:
    """Return the codec that a byte order mark names and the length of the mark, or None where there is none."""
    for mark, codec in _MARKS:
        if body.startswith(mark):
            return codec, len(mark)
    return None


def wide_codec_of(body: bytes) -> str | None:
    """Return the form of UTF-16 or UTF-32 that text beginning with ASCII is in, told by its zero bytes (RFC 4627 §3)."""
    zeros = tuple(byte == 0 for byte in body[:4])
    if zeros[:2] == (True, True) and len(body) >= 4:
        return "utf_32_be"
    if zeros == (False, True, True, True):
        return "utf_32_le"
    if zeros[:2] == (True, False):
        return "utf_16_be"
    return "utf_16_le" if zeros[:2] == (False, True) else None


def decoded(body: bytes, codec: str) -> str | None:
    """Return `body` as text, or None where a byte of it cannot be of that charset.

    Latin-1 is read as windows-1252, which has quotation marks where Latin-1 has controls (Encoding Standard §4.2).
    """
    if codec in ("utf_16", "utf_32"):
        # Without a mark the zeros of ASCII tell the order of bytes; text without any is little-endian in practice.
        codec = told if (told := wide_codec_of(body)) and told.startswith(codec) else f"{codec}_le"
    for each in ("cp1252", "latin_1") if codec == "latin_1" else (codec,):
        try:
            return body.decode(each)
        except UnicodeDecodeError:
            continue
    return None
