"""Check an ID token (OpenID Connect Core §3.1.3.7): whoever signed it, for whom, for which sign-in, and when."""

import hmac
from collections.abc import Mapping
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from oauth.sign_in.errors import FederationRefused
from oauth.sign_in.identity_provider_documents import IdentityProviderDocuments, ProviderMetadata, read_object
from oauth.sign_in.identity_providers import IdentityProvider

MAX_ID_TOKEN_LENGTH = 32 * 1024
LEEWAY_S = 60  # Two machines on NTP differ by less.
# Core §3.1.3.7 step 10: how far away iat may be is ours to say; the sign-in itself takes ten minutes
MAX_AGE_S = 600


async def check_id_token(
    token: str, provider: IdentityProvider, metadata: ProviderMetadata, documents: IdentityProviderDocuments, nonce: str, now: float
) -> Mapping[str, Any]:
    """Return the claims of a good ID token. Raises FederationRefused."""
    # Core §3.1.3.7 step 6, though TLS may stand in for it: the same check then holds whatever lies on the way.
    claims = await _verified(token, provider, metadata, documents)
    # Core §3.1.3.7 step 2: exactly; a mix-up (RFC 9700 §4.4) shows here at the latest.
    if claims.get("iss") != provider.issuer:
        raise FederationRefused("iss is not the issuer that was asked")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    # Core §3.1.3.7 steps 3 and 4: a token for another client of the provider must not sign anybody in here.
    if provider.client_id not in audiences or (len(audiences) > 1 and claims.get("azp") != provider.client_id):
        raise FederationRefused("aud is not us")
    # Core §3.1.3.7 step 5.
    if "azp" in claims and claims["azp"] != provider.client_id:
        raise FederationRefused("azp is not us")
    sent = claims.get("nonce")
    # Core §3.1.3.7 step 11: REQUIRED, since we always send one; a token of another sign-in was injected (RFC 9700 §4.5).
    if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), nonce.encode()):
        raise FederationRefused("nonce is not of this sign-in")
    _check_times(claims, now)
    sub = claims.get("sub")
    # Core §2: at most 255 characters; an empty one would link everybody to one subject.
    if not isinstance(sub, str) or not 0 < len(sub) <= 255:
        raise FederationRefused("sub is missing or longer than 255 characters")
    return claims


async def _verified(
    token: str, provider: IdentityProvider, metadata: ProviderMetadata, documents: IdentityProviderDocuments
) -> Mapping[str, Any]:
    if len(token) > MAX_ID_TOKEN_LENGTH or not token.isascii():
        raise FederationRefused("the token is too long or not text")
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise FederationRefused("not a signed token") from error
    algorithm, key_id = header.get("alg"), header.get("kid")
    # Core §3.1.3.7 step 7, RFC 8725 §3.1: `none`, and HMAC under a public key (§2.1), are in no list.
    if algorithm not in provider.allowed_algorithms:
        raise FederationRefused("alg is not allowed for this provider")
    # Keys come from the issuer's own document; `jwk`, `jku` and `x5u` in a header are the sender's word (RFC 8725 §3.10).
    for key in await documents.keys(metadata.jwks_uri, key_id if isinstance(key_id, str) else None):
        try:
            # RFC 8725 §3.1: a key verifies only algorithms of its own kind.
            payload = jws.deserialize_compact(token.encode(), key, algorithms=list(provider.allowed_algorithms)).payload
        except (JoseError, ValueError, TypeError):
            continue
        return read_object(payload)
    raise FederationRefused("no key of the provider verifies the token")


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    expires_at, issued_at = claims.get("exp"), claims.get("iat")
    for name, value in (("exp", expires_at), ("iat", issued_at)):
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise FederationRefused(f"{name} is missing")
    # Core §3.1.3.7 step 9.
    if float(expires_at or 0) <= now - LEEWAY_S:
        raise FederationRefused("the token has expired")
    # Core §3.1.3.7 step 10: also from the future, or one machine's wrong clock would let old tokens live on.
    if not now - MAX_AGE_S - LEEWAY_S <= float(issued_at or 0) <= now + LEEWAY_S:
        raise FederationRefused("the token was not issued just now")
    not_before = claims.get("nbf", 0)
    # RFC 7519 §4.1.5.
    if not isinstance(not_before, int | float) or isinstance(not_before, bool) or not_before > now + LEEWAY_S:
        raise FederationRefused("the token is not valid yet")
