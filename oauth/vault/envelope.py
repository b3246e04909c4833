"""Envelope encryption: a data key (DEK) for each tenant, wrapped by a key-encryption key (KEK); AES-256-GCM for both.

The place that is authenticated beside the content (oauth/sealing.py) keeps a row that is copied to another tenant, name, version or
environment from opening. No tenant comes near the 2^32 messages that one key is good for.
"""

import hashlib
import json
import os
from dataclasses import dataclass, field

from oauth import sealing
from oauth.errors import SealBroken
from oauth.sealing import KEY_BYTES, RandomBytes

# a byte to tell a later format by, so that keys and sealing can change without a guess at what is there
_FORMAT = b"\x01"


@dataclass(frozen=True, slots=True)
class Key:
    """A KEK or DEK. `key_id` of a KEK is derived from the key, so the same key has the same id everywhere.

    `is_marked`: the DEK of a tenant that has a mark (checksum.py); it is part of the wrap, so nobody makes a mark's absence look right.
    """

    key_id: str
    value: bytes = field(repr=False)
    is_marked: bool = False


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A DEK as the store keeps it. `is_active`: new secrets of the tenant are sealed with it."""

    dek_id: str
    tenant_id: str
    kek_id: str
    wrapped: bytes = field(repr=False)
    is_active: bool = True


def kek_of(value: bytes) -> Key:
    """Return `value` as a KEK under the id that is derived from it. Raises ValueError where the length is wrong."""
    # RFC 5116 §5.2 (AEAD_AES_256_GCM): 32 bytes; AES would take 16 or 24 without a word.
    if len(value) != KEY_BYTES:
        raise ValueError(f"a key-encryption key has {KEY_BYTES} bytes, not {len(value)}")
    # A prefix of its own, so that this hash of the key is no hash that anybody else publishes.
    return Key(hashlib.sha256(b"ascend kek id\x00" + value).hexdigest()[:16], value)


def seal(key: Key, plaintext: bytes, place: tuple[str | int, ...], random_bytes: RandomBytes = os.urandom) -> bytes:
    """Return `plaintext` sealed for `place`: format byte, nonce, ciphertext with its tag."""
    # NIST SP 800-38D §8.3: each tenant has its own key, so no key comes near 2^32 messages.
    return _FORMAT + sealing.seal(key.value, plaintext, _authenticated(place), random_bytes)


def unseal(key: Key, sealed: bytes, place: tuple[str | int, ...]) -> bytes:
    """Return what was sealed for `place`. Raises SealBroken."""
    # Not authenticated, and need not be: another byte only makes it unreadable.
    if sealed[:1] != _FORMAT:
        raise SealBroken("not a sealed value of a known format")
    return sealing.unseal(key.value, sealed[1:], _authenticated(place))


def wrap(kek: Key, dek: Key, environment: str, tenant_id: str, *, is_active: bool = True) -> WrappedKey:
    """Return `dek` as the store keeps it."""
    # RFC 5116 §2.1: bound to tenant and environment, so a key copied from a test system opens nothing here.
    return WrappedKey(dek.key_id, tenant_id, kek.key_id, seal(kek, dek.value, _wrapped_at(dek, environment, tenant_id)), is_active)


def unwrap(kek: Key, wrapped: WrappedKey, environment: str) -> Key:
    """Return the DEK. Raises SealBroken."""
    marked = Key(wrapped.dek_id, b"", is_marked=True)
    try:
        return Key(wrapped.dek_id, unseal(kek, wrapped.wrapped, _wrapped_at(marked, environment, wrapped.tenant_id)), is_marked=True)
    except SealBroken:  # a key from before there were marks
        return Key(wrapped.dek_id, unseal(kek, wrapped.wrapped, ("dek", environment, wrapped.tenant_id, wrapped.dek_id)))


def _wrapped_at(dek: Key, environment: str, tenant_id: str) -> tuple[str | int, ...]:
    # decision 0017: under the seal, so that whoever deletes a mark cannot say that there never was one.
    return ("marked dek" if dek.is_marked else "dek", environment, tenant_id, dek.key_id)


def _authenticated(place: tuple[str | int, ...]) -> bytes:
    # JSON keeps the parts apart whatever they contain: ("a", "b:c") and ("a:b", "c") differ.
    return json.dumps(place, separators=(",", ":")).encode()
