"""How encoders write a secret: for URLs, JSON, HTML, mail and JavaScript, and within base64."""

import re
from binascii import b2a_base64
from html.entities import html5

#: the longest that one character becomes: backslashes and four bytes, each percent-encoded several times
_MAX_SPELLING = 200
_BYTES_OF_GROUP = 3
#: enough of a secret to be told by; its end, because many tokens begin alike
_TAIL_CHARS = 27
_PLAIN_RUN = re.compile(r"[A-Za-z0-9]+")
_LONG_RUN = re.compile(r"[A-Za-z0-9]{8,}")
_HTML = {sign: [name for name in html5 if name.endswith(";") and html5[name] == sign] for sign in map(chr, range(33, 127))}
#: the backslashes of JSON within JSON, and of JSON within an address; bounded, so that no text takes longer than it is long
_BACKSLASH = r"(?:\\|%(?:25){0,4}5[Cc])"


def spelt(secret: str) -> str:
    """Return a pattern of every spelling of `secret`."""
    return "".join(map(_spellings, secret))


def spelt_in_base64(encoded: str) -> str:
    """Return the same for base64, in either alphabet (RFC 4648 §4, §5)."""
    other = {"+": "-", "/": "_"}
    return "".join(f"(?:{other[each]}|{_spellings(each)})" if each in other else each for each in encoded)


def in_base64(secret: str) -> list[str]:
    """Return what base64 makes of `secret` wherever it begins: the groups that are its own, whatever stands before and after it."""
    raw = secret.encode(errors="replace")
    owns = (raw, raw[2:], raw[1:])
    return [b2a_base64(own[: len(own) // _BYTES_OF_GROUP * _BYTES_OF_GROUP], newline=False).decode() for own in owns]


def needles_in_base64(secret: str) -> list[bytes]:
    """Return what base64 makes of the end of `secret` wherever it begins: every spelling of it has one of these, up to the alphabet."""
    tail = secret[-_TAIL_CHARS:].encode(errors="replace")
    found = []
    for own in (tail, tail[1:], tail[2:]):
        encoded = b2a_base64(own[: len(own) // _BYTES_OF_GROUP * _BYTES_OF_GROUP], newline=False)
        found.append(encoded if encoded.isalnum() else needle_of(encoded.decode()))
    return found


def needle_of(secret: str) -> bytes:
    """Return a part of `secret` that every spelling of it has, long enough to be rare where there is such."""
    if secret.isalnum() and secret.isascii():
        return secret.encode()  # at once: on the way of every call
    found = _LONG_RUN.search(secret)
    return (found[0] if found else max(_PLAIN_RUN.findall(secret), key=len, default="")).encode()


def reach_of(secret: str) -> int:
    """Return how long the longest spelling of a secret is."""
    return sum(1 if character.isascii() and character.isalnum() else _MAX_SPELLING for character in secret)


def _spellings(character: str) -> str:
    """Return a pattern of the ways in which one character is written."""
    plain = re.escape(character)
    if character.isascii() and character.isalnum():
        return plain
    code = ord(character)
    # The percent signs of URLs, the equals sign of mail, and JavaScript's own.
    octets = "".join(rf"(?:%(?:25){{0,4}}|=|{_BACKSLASH}{{1,8}}x)(?i:{byte:02x})" for byte in character.encode(errors="replace"))
    units = character.encode("utf-16-be", "replace")
    escaped = "".join(rf"{_BACKSLASH}{{1,8}}u(?i:{units[at : at + 2].hex()})" for at in range(0, len(units), 2))
    written = [rf"{_BACKSLASH}{{0,8}}{octets}", escaped, rf"&#(?:0{{0,8}}{code}|[xX]0{{0,8}}(?i:{code:x}));"]
    written += [rf"&(?:{'|'.join(_HTML[character])})"] if _HTML.get(character) else []
    written += [r"\+"] if character == " " else []
    # What begins like the character itself is longer, so it is tried first.
    written.append(rf"{_BACKSLASH}{{0,8}}{plain}")
    return f"(?:{'|'.join(written)})"
