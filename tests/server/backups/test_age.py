"""The age format: others open what we write, we open what others write, and nothing that was changed opens."""

import io
import os

import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from server.backups.age import CHUNK_BYTES, AgeBroken, AgeReader, AgeWriter, NoKeyFits
from server.backups.bech32 import decode, encode
from server.backups.keys import KeyUnreadable, identity_text, read_identity, read_recipient, recipient_text

MINE, THEIRS = X25519PrivateKey.generate(), X25519PrivateKey.generate()
SIZES = (0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES)


def sealed(data: bytes, *keys: X25519PrivateKey, piece: int = 10_000) -> bytes:
    out = io.BytesIO()
    writer = AgeWriter(out, [key.public_key() for key in keys or (MINE,)])
    for first in range(0, len(data), piece):
        writer.write(data[first : first + piece])
    writer.close()
    return out.getvalue()


def opened(text: bytes, *keys: X25519PrivateKey) -> bytes:
    reader = AgeReader(io.BytesIO(text), keys or (MINE,))
    found = b""
    while part := reader.read(7_777):
        found += part
    return found


@pytest.mark.parametrize("size", SIZES)
def test_another_implementation_opens_ours_and_we_open_theirs(size: int) -> None:
    """A backup outlives the product that wrote it."""
    data = os.urandom(size)
    identity = pyrage.x25519.Identity.from_str(identity_text(MINE))
    assert pyrage.decrypt(sealed(data, THEIRS, MINE), [identity]) == data
    theirs = pyrage.encrypt(data, [pyrage.x25519.Recipient.from_str(recipient_text(MINE.public_key()))])
    assert opened(theirs) == data
    assert opened(sealed(data, THEIRS, MINE)) == opened(sealed(data, THEIRS, MINE), THEIRS) == data


def test_who_was_not_meant_does_not_open_it() -> None:
    with pytest.raises(NoKeyFits):
        opened(sealed(b"secret"), THEIRS)
    with pytest.raises(ValueError, match="nobody could open it"):
        AgeWriter(io.BytesIO(), [])


@given(st.data())
def test_one_changed_bit_anywhere_shows(data: st.DataObject) -> None:
    """Head, recipients, MAC, nonce, chunks."""
    whole = bytearray(sealed(b"x" * 1_000, MINE, THEIRS))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(AgeBroken):
        opened(bytes(whole))


@pytest.mark.parametrize("cut", [1, 15, 16, 17, CHUNK_BYTES, CHUNK_BYTES + 16, CHUNK_BYTES + 17])
def test_a_file_that_ends_too_early_is_not_taken_for_whole(cut: int) -> None:
    """Also at the very end of a chunk."""
    with pytest.raises(AgeBroken):
        opened(sealed(os.urandom(2 * CHUNK_BYTES + 100))[:-cut])


def test_what_is_put_behind_or_swapped_shows() -> None:
    whole = sealed(os.urandom(2 * CHUNK_BYTES + 100))
    with pytest.raises(AgeBroken):
        opened(whole + b"x")
    start = whole.index(b"\n", whole.index(b"---")) + 1 + 16
    first, second = whole[start : start + CHUNK_BYTES + 16], whole[start + CHUNK_BYTES + 16 : start + 2 * (CHUNK_BYTES + 16)]
    with pytest.raises(AgeBroken):
        opened(whole[:start] + second + first + whole[start + 2 * (CHUNK_BYTES + 16) :])


@pytest.mark.parametrize(
    "text", [b"", b"age-encryption.org/v2\n", b"PK\x03\x04", b"age-encryption.org/v1\n" * 9_000, b"age-encryption.org/v1\n--- x"]
)
def test_what_is_no_age_file_is_said_to_be_none(text: bytes) -> None:
    with pytest.raises(AgeBroken):
        opened(text)


@given(st.binary(max_size=80))
def test_bech32_comes_back_and_a_wrong_letter_shows(data: bytes) -> None:
    text = encode("age", data)
    assert decode(text) == decode(text.upper()) == ("age", data)
    wrong = text[:-1] + ("q" if text[-1] != "q" else "p")
    with pytest.raises(ValueError):
        decode(wrong)


def test_keys_are_read_as_age_keygen_writes_them_and_never_told() -> None:
    text = identity_text(MINE)
    assert identity_text(read_identity(f"# created: today\n# public key: age1\n{text}\n")) == text
    assert recipient_text(read_recipient(recipient_text(MINE.public_key()))) == recipient_text(MINE.public_key())
    for wrong in (text[:-2], recipient_text(MINE.public_key()), "", text.lower().replace("a", "A", 1), f"{text}\n{text}"):
        with pytest.raises(KeyUnreadable) as refused:
            read_identity(wrong)
        assert wrong[:20] not in str(refused.value) or not wrong
    with pytest.raises(KeyUnreadable):
        read_recipient(text)
