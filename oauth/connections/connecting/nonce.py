"""The nonce that ties an id_token to the trip it was asked for (OpenID Connect Core §3.1.2.1, §3.1.3.7; RFC 9700 §4.5.3.2)."""

import json
from collections.abc import Collection

from oauth import base64url
from oauth.connections.errors import TokenRefused
from oauth.connections.provider import Provider
from oauth.connections.upstream.token_answer import Tokens


def asks_nonce(provider: Provider, scopes: Collection[str]) -> bool:
    """Say whether a trip that asks for `scopes` sends a nonce: where it asks for an id_token."""
    return provider.nonce and "openid" in scopes


def check_nonce(tokens: Tokens, nonce: str, *, was_sent: bool) -> None:
    """Refuse an id_token of another trip; where none came, or no JWT, there is nothing to check. Raises TokenRefused."""
    token = tokens.answer.get("id_token")
    if not isinstance(token, str) or token.count(".") != 2:
        return
    payload = token.split(".")[1]
    try:
        claims = json.loads(base64url.decode(payload))
    except (ValueError, RecursionError):
        raise TokenRefused("id_token_malformed") from None
    if not isinstance(claims, dict):
        raise TokenRefused("id_token_malformed")
    # Core §3.1.3.7 step 11: MUST be present where one was sent, and equal. A provider that never gives it back says `nonce: false`.
    if was_sent and "nonce" not in claims:
        raise TokenRefused("id_token_without_nonce")
    if "nonce" in claims and claims["nonce"] != nonce:
        raise TokenRefused("id_token_nonce")
