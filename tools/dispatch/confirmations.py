"""A person's yes to one exact call, as a token that fits nothing else."""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping

import orjson

from oauth.principal import Principal
from tools.json_text import canonical
from tools.operation import Confirmation, Json

TTL_S = 600
_MAC_BYTES = 24
#: how tokens begin: those that a person's yes comes back with, and those of the calls within a plan that was agreed to as a whole
_ASKED, _PLANNED = "c", "p"


class Confirmations:
    """Mints and checks tokens: HMAC-SHA-256 over tenant, subject, operation, account, arguments and expiry.

    Nothing is stored, so any replica can check what another one minted; the key is the installation's. That a yes counts once is
    for whoever runs the call to see to (Idempotency.confirmed).
    """

    def __init__(self, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self._key = hashlib.sha256(b"confirmation\0" + key).digest()
        self._clock = clock

    def issue(
        self,
        principal: Principal,
        operation_id: str,
        account: str | None,
        arguments: Mapping[str, Json],
        *,
        message: str = "",
        idempotency_key: str | None = None,
        within_plan: bool = False,
    ) -> Confirmation:
        """Return what the person is asked, with the token that runs exactly this call once within the next ten minutes.

        A call that names its `idempotency_key` binds it too: one yes must not run twice under two keys. `within_plan`: the token never
        leaves the gateway, and two equal steps of a plan may have the same.
        """
        expires_at = int(self._clock()) + TTL_S
        kind = _PLANNED if within_plan else _ASKED
        # Two questions are two, also within a second: the yes to one must not be used up by the yes to the other.
        nonce = "" if within_plan else secrets.token_hex(4)
        mac = self._mac(principal, [kind, nonce, operation_id, account, idempotency_key], arguments, expires_at)
        token = _written(kind, expires_at, nonce, mac)
        return Confirmation(token, message or f"'{operation_id}' cannot be undone; run it with exactly these arguments?", TTL_S)

    def accepts(
        self,
        token: str,
        principal: Principal,
        operation_id: str,
        account: str | None,
        arguments: Mapping[str, Json],
        *,
        idempotency_key: str | None = None,
    ) -> bool:
        """Say whether `token` was minted for exactly this call and is still good."""
        kind, expiry, nonce = [*token.split("_", 3), "", ""][:3]
        try:
            expires_at = int(expiry, 16)
        except ValueError:
            return False
        if kind not in (_ASKED, _PLANNED) or expires_at < self._clock():
            return False
        # As it was written, not as it reads: a yes that counts once must not have a second spelling.
        own = _written(
            kind, expires_at, nonce, self._mac(principal, [kind, nonce, operation_id, account, idempotency_key], arguments, expires_at)
        )
        return hmac.compare_digest(token.encode(errors="replace"), own.encode(errors="replace"))

    def _mac(self, principal: Principal, what: list[str | None], arguments: Mapping[str, Json], expires_at: int) -> bytes:
        bound = orjson.dumps([principal.tenant_id, principal.subject, what, expires_at])
        return hmac.digest(self._key, bound + b"\0" + canonical(arguments), "sha256")[:_MAC_BYTES]


def _written(kind: str, expires_at: int, nonce: str, mac: bytes) -> str:
    return f"{kind}_{expires_at:x}_{nonce}_{base64.urlsafe_b64encode(mac).decode()}"


def counts_once(token: str) -> bool:
    """Say whether `token`, which was accepted, is a person's own yes."""
    return token.startswith(f"{_ASKED}_")
