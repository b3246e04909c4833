"""Seal a reply under a key made from the secret that was presented for it.

Whoever presents the same secret again gets the identical reply; the store, which keeps only the secret's hash, cannot open it.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12


class SealBroken(Exception):
    """The box was not sealed under this secret and purpose, or was changed."""


def seal(secret: str, purpose: str, plaintext: bytes) -> bytes:
    """Return nonce and AES-256-GCM ciphertext; `purpose` binds the box to its row."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(_key(secret, purpose)).encrypt(nonce, plaintext, purpose.encode())


def unseal(secret: str, purpose: str, box: bytes) -> bytes:
    """Return what was sealed. Raises SealBroken."""
    try:
        return AESGCM(_key(secret, purpose)).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], purpose.encode())
    except (InvalidTag, ValueError) as error:
        raise SealBroken("the sealed reply does not open with this secret") from error


def _key(secret: str, purpose: str) -> bytes:
    # The secret carries 256 random bits, so extraction without salt loses nothing (RFC 5869 §3.1).
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"ascend sealed reply\0" + purpose.encode()).derive(secret.encode())
