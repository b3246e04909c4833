"""Next-page addresses, and cursors that held a secret, as opaque cursors: nobody reads what an upstream put into them, nobody makes one."""

import base64
import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from oauth.principal import Principal
from tools.operation import Operation

_PREFIX = "n_"
_NONCE_BYTES = 12


class CursorSeal:
    """Seals the URL of a next page for the principal, account and operation that it was given to (AES-256-GCM).

    Without it, whoever may run one read operation could have the gateway fetch any path of that upstream; and the address
    may hold what the upstream meant for us alone.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(hashlib.sha256(b"page cursor\0" + key).digest())

    def seal(self, principal: Principal, operation: Operation, url: str, account_id: str = "") -> str:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, url.encode(), _bound(principal, operation, account_id))
        return _PREFIX + base64.urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode()

    def open(self, principal: Principal, operation: Operation, cursor: str, account_id: str = "") -> str | None:
        """Return what was sealed, or None for a cursor that was not given to this principal for this operation and account."""
        if not is_sealed(cursor):
            return None
        text = cursor.removeprefix(_PREFIX)
        try:
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound(principal, operation, account_id)).decode()
        except (ValueError, InvalidTag):
            return None


def is_sealed(cursor: str) -> bool:
    """Say whether a cursor looks like one that was sealed."""
    return cursor.startswith(_PREFIX)


def _bound(principal: Principal, operation: Operation, account_id: str) -> bytes:
    return "\0".join((principal.tenant_id, principal.subject, operation.id, account_id)).encode()
