"""How things are called in Redis, and what is written there of others' data."""

import hashlib
from dataclasses import dataclass, field

from oauth.errors import SealBroken
from oauth.sealing import KEY_BYTES, seal, seal_alike, unseal, unseal_alike

#: in place of a tenant: what is counted for the whole gateway
NOBODYS = "-"


@dataclass(frozen=True, slots=True)
class RedisNames:
    """Every name begins with the environment and the tenant: `ascend:production:acme:answer:<digest>`.

    What a name is about (an address, a person, arguments) is in it as a digest under `key` alone, which only this installation has:
    nobody can look for a value there, and two installations on one Redis never mean the same thing. `key`: 32 bytes.
    """

    environment: str
    key: bytes = field(repr=False)

    def of(self, tenant_id: str, kind: str, *about: str | bytes) -> str:
        digest = hashlib.blake2b(key=self.key, person=b"name", digest_size=20)
        for part in about:
            data = part.encode(errors="surrogatepass") if isinstance(part, str) else part
            # Each with its length: no two rows of parts are one text.
            digest.update(len(data).to_bytes(8, "big") + data)
        return f"ascend:{self.environment}:{tenant_id or NOBODYS}:{kind}:{digest.hexdigest()}"

    def sealed(self, name: str, value: bytes) -> bytes:
        """Return a value as it is written: for the place `name` alone."""
        return seal(self._key_of(name), value, name.encode())

    def opened(self, name: str, box: bytes) -> bytes | None:
        """Return what was sealed for `name`; None where somebody else wrote there."""
        try:
            return unseal(self._key_of(name), box, name.encode())
        except SealBroken:
            return None

    def marked(self, name: str, value: bytes) -> bytes:
        """Return a value sealed for the place `name` so that it always looks the same there: for a member of a set."""
        return seal_alike(self._alike_key_of(name), value, name.encode())

    def unmarked(self, name: str, mark: bytes) -> bytes | None:
        """Return what was marked for `name`; None where somebody else wrote there."""
        try:
            return unseal_alike(self._alike_key_of(name), mark, name.encode())
        except SealBroken:
            return None

    def _alike_key_of(self, name: str) -> bytes:
        return hashlib.blake2b(name.encode(), key=self.key, person=b"marked").digest()

    def _key_of(self, name: str) -> bytes:
        # A key for each name: the 2^32 boxes of one (NIST SP 800-38D §8.3) are a few weeks of a busy gateway.
        return hashlib.blake2b(name.encode(), key=self.key, person=b"sealed").digest()[:KEY_BYTES]
