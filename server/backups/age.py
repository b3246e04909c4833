"""The age format, version 1 (c2sp.org/age, decision 0065): streams that only who holds a key can open, and nobody can change unnoticed.

A file key of its own for each file, wrapped for each recipient (X25519, RFC 7748; HKDF-SHA-256, RFC 5869; ChaCha20-Poly1305, RFC 8439);
the payload in chunks of 64 KiB, each authenticated with its number and whether it is the last. `age`, `rage` and others open
what this writes.
"""

import base64
import hmac
import os
from collections.abc import Sequence
from hashlib import sha256
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION_LINE = b"age-encryption.org/v1"
CHUNK_BYTES = 64 * 1024
TAG_BYTES = 16
#: of header that is read at most; ours has two recipients
MAX_HEADER_BYTES = 64 * 1024
_FILE_KEY_BYTES, _NONCE_BYTES = 16, 16
_X25519_INFO = b"age-encryption.org/v1/X25519"
#: c2sp.org/age, "X25519 recipient stanza": the wrap key is of one share, so it seals one file key and no nonce comes twice
_ZERO_NONCE = bytes(12)


class AgeBroken(Exception):
    """The file is none of age, was changed, or ends too early; the message says which."""


class NoKeyFits(AgeBroken):
    """None of the keys at hand is one that the file was written for."""


class AgeWriter:
    """Writes one encrypted stream; `close` writes its end, without which nobody takes it for whole."""

    def __init__(self, out: BinaryIO, recipients: Sequence[X25519PublicKey]) -> None:
        if not recipients:
            raise ValueError("nobody could open it: name a recipient")
        file_key = os.urandom(_FILE_KEY_BYTES)
        stanzas = b"".join(_wrapped(file_key, recipient) for recipient in recipients)
        header = VERSION_LINE + b"\n" + stanzas + b"---"
        out.write(header + b" " + _base64(_header_mac(file_key, header)) + b"\n")
        nonce = os.urandom(_NONCE_BYTES)
        out.write(nonce)
        self._out, self._cipher = out, ChaCha20Poly1305(_derived(file_key, nonce, b"payload"))
        self._waiting, self._number = bytearray(), 0

    def write(self, data: bytes) -> int:
        self._waiting += data
        # The last chunk is known at the end only: one stays behind.
        while len(self._waiting) > CHUNK_BYTES:
            self._seal(bytes(self._waiting[:CHUNK_BYTES]), is_last=False)
            del self._waiting[:CHUNK_BYTES]
        return len(data)

    def close(self) -> None:
        """Write what is left as the last chunk; the file below stays open."""
        self._seal(bytes(self._waiting), is_last=True)
        self._waiting.clear()

    def _seal(self, chunk: bytes, *, is_last: bool) -> None:
        self._out.write(self._cipher.encrypt(_chunk_nonce(self._number, is_last), chunk, None))
        self._number += 1


class AgeReader:
    """Reads one encrypted stream. What `read` gives was authenticated; that all of it was there is known when it gives nothing more.

    Raises NoKeyFits and AgeBroken.
    """

    def __init__(self, source: BinaryIO, identities: Sequence[X25519PrivateKey]) -> None:
        self._source = source
        file_key = self._file_key(identities)
        nonce = source.read(_NONCE_BYTES)
        if len(nonce) != _NONCE_BYTES:
            raise AgeBroken("it ends within its head")
        self._cipher = ChaCha20Poly1305(_derived(file_key, nonce, b"payload"))
        self._number, self._is_over = 0, False
        self._ahead = source.read(CHUNK_BYTES + TAG_BYTES)
        self._open = bytearray()

    def read(self, size: int = -1) -> bytes:
        while not self._is_over and (size < 0 or len(self._open) < size):
            self._next_chunk()
        wanted = len(self._open) if size < 0 else size
        found = bytes(self._open[:wanted])
        del self._open[:wanted]
        return found

    def _next_chunk(self) -> None:
        sealed, self._ahead = self._ahead, self._source.read(CHUNK_BYTES + TAG_BYTES)
        is_last = not self._ahead
        try:
            chunk = self._cipher.decrypt(_chunk_nonce(self._number, is_last), sealed, None)
        except InvalidTag as error:
            raise AgeBroken(f"chunk {self._number} is not what was written, or the file ends too early") from error
        # c2sp.org/age, "Payload": an empty chunk may only be the whole of an empty file; else one payload had two spellings.
        if not chunk and self._number:
            raise AgeBroken("it ends in an empty chunk")
        self._open += chunk
        self._number += 1
        self._is_over = is_last

    def _file_key(self, identities: Sequence[X25519PrivateKey]) -> bytes:
        header, mac, stanzas = _read_header(self._source)
        for share, body in stanzas:
            for identity in identities:
                file_key = _unwrapped(identity, share, body)
                if file_key is None:
                    continue
                # c2sp.org/age, "Header MAC": the key was right, so the recipients are those that were written, or somebody changed them.
                if not hmac.compare_digest(_header_mac(file_key, header), mac):
                    raise AgeBroken("its head is not what was written")
                return file_key
        raise NoKeyFits("it was written for other keys")


def _read_header(source: BinaryIO) -> tuple[bytes, bytes, list[tuple[bytes, bytes]]]:
    """Return the header as it is authenticated, its MAC, and share and body of each X25519 stanza; other kinds are passed over."""
    lines, size, stanzas = [], 0, []
    while True:
        line = source.readline(MAX_HEADER_BYTES)
        size += len(line)
        if not line.endswith(b"\n") or size > MAX_HEADER_BYTES:
            raise AgeBroken("it has no head of an age file")
        lines.append(line)
        if len(lines) == 1 and line != VERSION_LINE + b"\n":
            raise AgeBroken("it is no age file of version 1")
        if line.startswith(b"--- "):
            break
    for place, line in enumerate(lines):
        parts = line.split()
        if parts[:2] == [b"->", b"X25519"] and len(parts) == 3:
            stanzas.append((_debase64(parts[2]), _debase64(lines[place + 1].strip())))
    return b"".join(lines[:-1]) + b"---", _debase64(lines[-1][4:].strip()), stanzas


def _wrapped(file_key: bytes, recipient: X25519PublicKey) -> bytes:
    ephemeral = X25519PrivateKey.generate()
    share = ephemeral.public_key().public_bytes_raw()
    key = _wrap_key(ephemeral.exchange(recipient), share + recipient.public_bytes_raw())
    body = ChaCha20Poly1305(key).encrypt(_ZERO_NONCE, file_key, None)
    return b"-> X25519 " + _base64(share) + b"\n" + _base64(body) + b"\n"


def _unwrapped(identity: X25519PrivateKey, share: bytes, body: bytes) -> bytes | None:
    # c2sp.org/age, "X25519 recipient stanza": the length before the key is tried, or one body could open under several keys.
    if len(share) != 32 or len(body) != _FILE_KEY_BYTES + TAG_BYTES:
        raise AgeBroken("its head has a recipient of a wrong length")
    try:
        shared = identity.exchange(X25519PublicKey.from_public_bytes(share))
    except ValueError as error:  # RFC 7748 §6.1: a share of low order, with which everybody would have the same secret.
        raise AgeBroken("its head has a recipient that is no key") from error
    key = _wrap_key(shared, share + identity.public_key().public_bytes_raw())
    try:
        return ChaCha20Poly1305(key).decrypt(_ZERO_NONCE, body, None)
    except InvalidTag:
        return None


def _wrap_key(shared: bytes, salt: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, _X25519_INFO).derive(shared)


def _derived(file_key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, info).derive(file_key)


def _header_mac(file_key: bytes, header: bytes) -> bytes:
    return hmac.digest(_derived(file_key, b"", b"header"), header, sha256)


def _chunk_nonce(number: int, is_last: bool) -> bytes:
    # c2sp.org/age, "Payload" (STREAM): number and end are in the nonce, so no chunk can be moved, left out or cut off.
    return number.to_bytes(11) + (b"\1" if is_last else b"\0")


def _base64(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _debase64(text: bytes) -> bytes:
    try:
        data = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except ValueError as error:
        raise AgeBroken("its head is not in base64") from error
    # c2sp.org/age, "Encoding" (RFC 4648 §3.5): one spelling alone; another could be the same file with another head.
    if _base64(data) != text:
        raise AgeBroken("its head is not in base64 as age writes it")
    return data
