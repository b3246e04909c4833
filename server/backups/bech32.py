"""Bech32 (BIP 173), the way in which age writes its keys: a name, data and a checksum, without the limit of 90 characters."""

_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM_CHARS = 6


def encode(name: str, data: bytes) -> str:
    """Return `data` under the human-readable `name`, in lower case."""
    values = _regrouped(data, 8, 5, pads=True)
    sealed = _checksum([*_expanded(name), *values, *[0] * _CHECKSUM_CHARS]) ^ 1
    check = [(sealed >> 5 * (_CHECKSUM_CHARS - 1 - place)) & 31 for place in range(_CHECKSUM_CHARS)]
    return f"{name}1{''.join(_ALPHABET[value] for value in [*values, *check])}"


def decode(text: str) -> tuple[str, bytes]:
    """Return name and data. Raises ValueError for what is none: letters of both cases, a wrong checksum, left-over bits."""
    if text not in (text.lower(), text.upper()):
        raise ValueError("letters of both cases")
    name, _, rest = text.lower().rpartition("1")
    if not name or len(rest) < _CHECKSUM_CHARS or any(letter not in _ALPHABET for letter in rest):
        raise ValueError("not in Bech32")
    values = [_ALPHABET.index(letter) for letter in rest]
    if _checksum([*_expanded(name), *values]) != 1:
        raise ValueError("its checksum does not fit: a letter is wrong or missing")
    return name, bytes(_regrouped(values[:-_CHECKSUM_CHARS], 5, 8, pads=False))


def _expanded(name: str) -> list[int]:
    return [*(ord(letter) >> 5 for letter in name), 0, *(ord(letter) & 31 for letter in name)]


def _checksum(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, term in enumerate(_GENERATOR):
            check ^= term if top >> place & 1 else 0
    return check


def _regrouped(values: bytes | list[int], width: int, to: int, *, pads: bool) -> list[int]:
    found, bits, held = [], 0, 0
    for value in values:
        held, bits = held << width | value, bits + width
        while bits >= to:
            bits -= to
            found.append(held >> bits & (1 << to) - 1)
    rest = held & (1 << bits) - 1
    if pads and bits:
        found.append(rest << to - bits)
    elif not pads and (bits >= width or rest):
        raise ValueError("left-over bits")
    return found
