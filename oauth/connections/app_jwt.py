"""The token by which an application proves itself with its private key (RS256), as GitHub Apps do.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
"""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwt
from joserfc.jwk import RSAKey

from oauth.connections.errors import ProviderInvalid

ALGORITHM = "RS256"
#: their clock may be behind ours
BACKDATED_S = 60
#: ten minutes are the most that GitHub takes
LIFE_S = 540
MIN_KEY_BITS = 2048


def check_private_key(pem: str) -> str:
    """Return `pem`, an RSA private key without a password. Raises ProviderInvalid."""
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ProviderInvalid("the private key is not PEM without a password; give the file that the provider made, whole") from None
    # RFC 7518 §3.3.
    if not isinstance(key, RSAPrivateKey) or key.key_size < MIN_KEY_BITS:
        raise ProviderInvalid(f"the private key is not RSA of at least {MIN_KEY_BITS} bits, which {ALGORITHM} needs")
    return pem


def app_jwt(client_id: str, pem: str, now: float) -> str:
    """Return a token that says "I am the application `client_id`" for the next minutes. Raises ProviderInvalid."""
    # RFC 8725 §3.9: there is no `aud` to set, so it lives for minutes and goes to one address.
    claims = {"iss": client_id, "iat": int(now) - BACKDATED_S, "exp": int(now) + LIFE_S}
    return jwt.encode({"alg": ALGORITHM}, claims, RSAKey.import_key(check_private_key(pem)), algorithms=[ALGORITHM])
