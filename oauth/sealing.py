"""Seal bytes with AES-256-GCM (NIST SP 800-38D), for the place that they belong to: the one sealer of the gateway.

`bound` is authenticated beside the content: a box that is copied to another place does not open there. A 96-bit random nonce
allows 2^32 boxes under one key (§8.3).
"""

import os
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from oauth.errors import SealBroken

KEY_BYTES = 32
# NIST SP 800-38D §5.2.1.1, §7.1: 96 bits, the length that GCM uses as it is; others are hashed first.
NONCE_BYTES = 12
# NIST SP 800-38D §5.2.1.2: the whole 128 bits; a shorter tag is easier to forge.
TAG_BYTES = 16

RandomBytes = Callable[[int], bytes]


def seal(key: bytes, plaintext: bytes, bound: bytes, random_bytes: RandomBytes = os.urandom) -> bytes:
    """Return nonce and ciphertext with its tag."""
    # RFC 5116 §3.1, NIST SP 800-38D §8.2.2: a nonce that comes twice under one key gives away both texts and the key of the tag.
    nonce = random_bytes(NONCE_BYTES)
    # RFC 5116 §2.1: the place is associated data, authenticated and not encrypted.
    return nonce + AESGCM(key).encrypt(nonce, plaintext, bound)


def unseal(key: bytes, box: bytes, bound: bytes) -> bytes:
    """Return what was sealed. Raises SealBroken."""
    if len(box) < NONCE_BYTES + TAG_BYTES:
        raise SealBroken("this is too short for a sealed value")
    try:
        # RFC 5116 §2.2: nothing of a box that does not authenticate is looked at.
        return AESGCM(key).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], bound)
    except InvalidTag:
        # No cause: it would say nothing, and a traceback should not carry the arguments' names around.
        raise SealBroken("the seal does not fit its key and place") from None


def seal_alike(key: bytes, plaintext: bytes, bound: bytes) -> bytes:
    """Return a box that is the same whenever the content is (AES-SIV, RFC 5297): for what is looked up by it. `key`: 64 bytes.

    Whoever sees two boxes sees whether the contents are equal, and nothing else.
    """
    # RFC 5297 §3: made without a nonce, which is what makes it the same; so it is for nothing that must not be told apart.
    return AESSIV(key).encrypt(plaintext, [bound])


def unseal_alike(key: bytes, box: bytes, bound: bytes) -> bytes:
    """Return what `seal_alike` sealed. Raises SealBroken."""
    try:
        return AESSIV(key).decrypt(box, [bound])
    except (InvalidTag, ValueError) as error:
        raise SealBroken("this was not sealed here") from error


def seal_under(secret: str, purpose: str, plaintext: bytes) -> bytes:
    """Seal a reply under a key made from the secret that was presented for it; `purpose` binds the box to its row.

    Whoever presents the same secret again gets the identical reply; the store, which keeps only the secret's hash, cannot open it.
    """
    # One key for one purpose, so the 2^32 of NIST SP 800-38D §8.3 are far away.
    return seal(_key(secret, purpose), plaintext, purpose.encode())


def unseal_under(secret: str, purpose: str, box: bytes) -> bytes:
    """Return what `seal_under` sealed. Raises SealBroken."""
    return unseal(_key(secret, purpose), box, purpose.encode())


def _key(secret: str, purpose: str) -> bytes:
    # The secret carries 256 random bits, so extraction without salt loses nothing (RFC 5869 §3.1).
    # RFC 5869 §3.2: `info` separates this use of the token from every other, above all from its hash in the store.
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"ascend sealed reply\0" + purpose.encode()).derive(secret.encode())
