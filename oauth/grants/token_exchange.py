"""Workload identity: what a platform signs about a workload is exchanged for a token of the administration (RFC 8693).

No client authenticates: the signed statement is the proof, and counts once.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from oauth.audit import SecurityEvent, reason_of
from oauth.errors import AssertionRefused, InvalidGrant, OAuthError
from oauth.jwt import LEEWAY_S, check_times, read_id, unverified
from oauth.parameters import Parameters
from oauth.services.admin_tokens import AdminTokens
from oauth.services.trust_policy import TrustPolicy
from oauth.services.workload_tokens import WorkloadTokens
from oauth.stores import AuditLog, GrantStore
from oauth.tokens.reply import TokenReply

JWT_TYPE = "urn:ietf:params:oauth:token-type:jwt"
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  the name of a token type
#: by which a client would prove itself; here nobody does
_CLIENTS_OWN = ("client_secret", "client_assertion", "client_assertion_type")


class TokenExchangeGrant:
    """The grant type of RFC 8693, for workloads alone."""

    def __init__(
        self,
        store: GrantStore,
        audit: AuditLog,
        workloads: WorkloadTokens,
        tokens: AdminTokens,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._audit, self._workloads = store, audit, workloads
        self._tokens, self._clock = tokens, clock

    async def redeem(self, form: Parameters) -> TokenReply:
        """Return an access token. Raises InvalidGrant, OAuthError."""
        subject_token = _subject_token(form)
        try:
            policy, claims = await self._fitting(subject_token, form)
            # RFC 7523 §3 items 4 to 7 say what every assertion needs; RFC 8693 §2.1 leaves it to us.
            expires_at, token_id = check_times(claims, self._clock()), read_id(claims)
        except AssertionRefused as error:
            facts = {"reason": reason_of(str(error))}
            await self._audit.record(SecurityEvent("assertion_refused", self._clock(), facts=facts))
            # RFC 8693 §2.2.2: invalid_request where the subject token is no good; RFC 6749's invalid_grant is what clients know.
            raise InvalidGrant(str(error)) from error
        scopes = self._tokens.scopes(policy, form)
        revocations = self._tokens.revocations
        async with self._store.transaction() as rows:
            # Once, and in the transaction that mints: whoever reads a job's log a moment later comes too late.
            if not await rows.use_assertion(policy.issuer, token_id, expires_at + LEEWAY_S):
                raise InvalidGrant("the subject token was used before; have the platform sign another")
            token, row = await self._tokens.mint(rows, policy, scopes, "token_exchange")
        # RFC 8693 §2.2.1: its type is REQUIRED.
        return replace(self._tokens.remember(token, row, revocations), issued_token_type=ACCESS_TOKEN_TYPE)

    async def _fitting(self, subject_token: str, form: Parameters) -> tuple[TrustPolicy, Mapping[str, object]]:
        """Return the one policy that a token fits, and its verified claims. Raises AssertionRefused, OAuthError."""
        # RFC 8725 §3.10: not yet believed, it only says whose policies are looked at; they compare it once it is verified.
        tenant_id = self._tokens.tenant_of(form, unverified(subject_token)[1].get("aud"))
        policies, claims = await self._workloads.verified(subject_token, tenant_id)
        fitting = [policy for policy in policies if not policy.refusals(claims)]
        if not fitting:
            # Not which policies there are, nor by how much it missed: `ascend trust test` says so on the machine.
            raise AssertionRefused(
                "no trust policy of the tenant that is meant fits this token; `ascend trust test` says which claims differ"
            )
        if len(fitting) != 1:
            raise AssertionRefused("more than one trust policy of this tenant fits this token; have their claims exclude each other")
        return fitting[0], claims


def _subject_token(form: Parameters) -> str:
    """Return the subject token of a form that asks for an access token. Raises OAuthError."""
    if any(form.get(name) is not None for name in _CLIENTS_OWN):
        raise OAuthError("invalid_request", "no client authenticates here: the subject token is the proof")
    if form.get("actor_token") is not None or form.get("actor_token_type") is not None:
        raise OAuthError("invalid_request", "nobody acts for a workload: leave actor_token out")
    # RFC 8693 §2.1: REQUIRED, both.
    if form.get("subject_token_type") != JWT_TYPE:
        raise OAuthError("invalid_request", f"subject_token_type must be {JWT_TYPE}")
    if form.get("requested_token_type") not in (None, ACCESS_TOKEN_TYPE):
        raise OAuthError("invalid_request", f"requested_token_type can only be {ACCESS_TOKEN_TYPE}")
    subject_token = form.get("subject_token")
    if subject_token is None:
        raise OAuthError("invalid_request", "subject_token is missing")
    return subject_token
