"""A person's yes to one exact call, as a token that fits nothing else."""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import orjson

from oauth.connections.credentials import Credentials
from oauth.principal import Principal
from tools.call_failures import HOW_TO_CONFIRM
from tools.dispatch.policy import Policy
from tools.dispatch.questions import question
from tools.json_text import canonical
from tools.operation import Call, Confirmation, Json, Outcome

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


class Agreement:
    """Asks the person before what cannot be undone, and knows whether a call carries their answer to exactly it."""

    def __init__(self, policy: Policy, confirmations: Confirmations, credentials: Credentials | None = None) -> None:
        self._policy, self._confirmations, self._credentials = policy, confirmations, credentials

    def is_needed(self, call: Call) -> bool:
        """Say whether the person must agree to `call` first."""
        only_looks: str | None = call.operation.binding.get("only_looks") if call.operation.kind == "builtin" else None
        if only_looks is not None and call.arguments.get(only_looks) is True:
            return False
        return self._policy.needs_confirmation(call.principal, call.operation)

    def with_connection(self, call: Call) -> Call:
        """Return a write with its account named and known: a yes, and a record, must not move to another one when names change."""
        operation, options = call.operation, call.options
        if self._credentials is None:
            return call
        readiness = self._credentials.readiness(call.principal, operation.connection or operation.provider, operation.connection_scopes)
        # Where calls without an account are allowed, one is used only if it is ready.
        is_used = operation.connection is not None or readiness.status == "ready"
        account = options.account or (readiness.default if is_used else None)
        if account is None:
            return call
        directions = replace(call.directions, account_id=readiness.id_of(account))
        return replace(call, options=replace(options, account=account), directions=directions)

    def question(self, call: Call, given_account: str | None) -> Outcome | None:
        """Return the question to the person, or None where the call carries their answer to exactly it.

        A batch asked about its whole plan, in which the account stands as it was given.
        """
        token, key = call.options.confirm, call.options.idempotency_key
        identity = call.directions.account_id or call.options.account
        accounts = (identity, given_account)
        if token and any(
            self._confirmations.accepts(token, call.principal, call.operation.id, account, call.arguments, idempotency_key=key)
            for account in accounts
        ):
            return None
        asked = self._confirmations.issue(
            call.principal, call.operation.id, identity, call.arguments, message=question(call), idempotency_key=key
        )
        note = "the confirm token is expired or belongs to another call; this is a new one" if token else HOW_TO_CONFIRM
        return Outcome("needs_confirmation", confirmation=asked, note=note)
