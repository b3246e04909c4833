"""Next-page addresses, and cursors that held a secret, as opaque cursors: nobody reads what an upstream put into them, nobody makes one."""

import hashlib

from oauth import base64url
from oauth.errors import SealBroken
from oauth.principal import Principal
from oauth.sealing import seal, unseal
from tools.operation import Operation

_PREFIX = "n_"


class CursorSeal:
    """Seals the URL of a next page for the principal, account and operation that it was given to (AES-256-GCM).

    Without it, whoever may run one read operation could have the gateway fetch any path of that upstream; and the address
    may hold what the upstream meant for us alone.
    """

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.sha256(b"page cursor\0" + key).digest()

    def seal(self, principal: Principal, operation: Operation, url: str, account_id: str = "") -> str:
        return _PREFIX + base64url.encode(seal(self._key, url.encode(), _bound(principal, operation, account_id)))

    def open(self, principal: Principal, operation: Operation, cursor: str, account_id: str = "") -> str | None:
        """Return what was sealed, or None for a cursor that was not given to this principal for this operation and account."""
        if not is_sealed(cursor):
            return None
        try:
            box = base64url.decode(cursor.removeprefix(_PREFIX))
            return unseal(self._key, box, _bound(principal, operation, account_id)).decode()
        except (ValueError, SealBroken):
            return None


def is_sealed(cursor: str) -> bool:
    """Say whether a cursor looks like one that was sealed."""
    return cursor.startswith(_PREFIX)


def _bound(principal: Principal, operation: Operation, account_id: str) -> bytes:
    return "\0".join((principal.tenant_id, principal.subject, operation.id, account_id)).encode()
