"""The statement by which the gateway proves itself to a provider with a private key instead of a secret (RFC 7523 §2.2)."""

import time
from collections.abc import Callable
from secrets import token_urlsafe

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from oauth.connections.errors import ProviderInvalid

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#: it goes out at once, to one address
LIFE_S = 60
MIN_RSA_BITS = 2048
WHICH = "the private key is not PEM without a password, of RSA (2048 bits), P-256 or Ed25519"


def signing_key(pem: str) -> tuple[str, Key]:
    """Return the algorithm and the key of a private key in PEM. Raises ProviderInvalid."""
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ProviderInvalid(WHICH) from None
    match key:
        case rsa.RSAPrivateKey() if key.key_size >= MIN_RSA_BITS:
            return "RS256", RSAKey.import_key(pem)
        case ec.EllipticCurvePrivateKey() if isinstance(key.curve, ec.SECP256R1):
            return "ES256", ECKey.import_key(pem)
        case ed25519.Ed25519PrivateKey():
            return "Ed25519", OKPKey.import_key(pem)
    raise ProviderInvalid(WHICH)


def client_assertion(client_id: str, pem: str, audience: str, clock: Callable[[], float] = time.time) -> str:
    """Return a statement that says "I am `client_id`" to one server, once. Raises ProviderInvalid."""
    algorithm, key = signing_key(pem)
    now = int(clock())
    # RFC 7523 §3: iss and sub are the client, aud the server; jti, so that nobody can say it again.
    claims = {"iss": client_id, "sub": client_id, "aud": audience, "iat": now, "exp": now + LIFE_S, "jti": token_urlsafe(16)}
    return jwt.encode({"alg": algorithm}, claims, key, algorithms=[algorithm])
