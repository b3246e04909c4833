"""The answer of the token endpoint, and the rows behind it (RFC 6749 §5.1)."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from oauth.audit import SecurityEvent
from oauth.scopes import render
from oauth.stores import OAuthRows
from oauth.tokens.formats import hash_token, new_token
from oauth.tokens.grant_records import AccessToken, Grant, RefreshToken
from oauth.tokens.lifetimes import Lifetimes


@dataclass(frozen=True, slots=True)
class TokenReply:
    """`refresh_token` "" : none. `requested` is the scope that was asked for, to recognise the same request again.

    `tenant_id`: whose token it is, for the figures of operators; "" in replies kept by older versions.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: float
    scope: str
    requested: str = ""
    tenant_id: str = ""
    #: of a token exchange (RFC 8693 §2.2.1)
    issued_token_type: str = ""

    def to_wire(self, now: float) -> Mapping[str, str | int]:
        wire: dict[str, str | int] = {
            "access_token": self.access_token,
            # RFC 6749 §5.1: REQUIRED; RFC 6750 §4 spells it so, and clients compare it in more ways than one
            "token_type": "Bearer",
            # RFC 6749 §5.1: what is left of it, since a repeated reply is younger than its token.
            "expires_in": max(0, int(self.expires_at - now)),
            # RFC 6749 §5.1: REQUIRED where it differs from what was asked for; always said, so that no client has to guess.
            "scope": self.scope,
        }
        # RFC 6749 §5.1: left out where there is none; an empty one would be kept by clients and sent.
        wire |= {"issued_token_type": self.issued_token_type} if self.issued_token_type else {}
        return wire | ({"refresh_token": self.refresh_token} if self.refresh_token else {})

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, plaintext: bytes) -> "TokenReply":
        return cls(**json.loads(plaintext))


async def mint_access_token(rows: OAuthRows, grant: Grant, scopes: frozenset[str], now: float, ttl_s: float) -> tuple[str, AccessToken]:
    """Return a fresh access token and its row; it never outlives its grant."""
    token = new_token("at")
    row = AccessToken(
        hash_token(token),
        grant.grant_id,
        grant.tenant_id,
        grant.subject,
        grant.client_id,
        grant.resource,
        scopes,
        now,
        # RFC 9700 §2.3: never past the consent that it rests on
        min(now + ttl_s, grant.expires_at),
    )
    await rows.add_access_token(row)
    return token, row


async def mint_only_token(rows: OAuthRows, grant: Grant, facts: Mapping[str, str]) -> tuple[str, AccessToken]:
    """Open `grant` with the one access token that it will ever have and that ends with it; leave both on record."""
    await rows.add_grant(grant)
    minted = await mint_access_token(rows, grant, grant.scopes, grant.created_at, math.inf)
    said = {"scope": render(grant.scopes), **facts}
    await rows.note(SecurityEvent("token_minted", grant.created_at, grant.tenant_id, grant.subject, grant.client_id, grant.grant_id, said))
    return minted


async def mint_refresh_token(rows: OAuthRows, grant: Grant, generation: int, now: float, lifetimes: Lifetimes) -> str:
    """Return the refresh token of the next generation."""
    token = new_token("rt")
    # RFC 9700 §4.14.2: every rotation moves the idle limit, none the end of the grant.
    expires_at = min(now + lifetimes.refresh_idle_s, grant.expires_at)
    # RFC 6819 §5.1.4.1.3: its hash alone, as for every credential.
    await rows.add_refresh_token(RefreshToken(hash_token(token), grant.grant_id, grant.tenant_id, generation, now, expires_at))
    return token


def reply_of(access_token: str, row: AccessToken, refresh_token: str, requested: str = "") -> TokenReply:
    return TokenReply(access_token, refresh_token, row.expires_at, render(row.scopes), requested, row.tenant_id)
