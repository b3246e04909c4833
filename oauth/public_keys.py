"""Public keys of others, read strictly: JWK sets (RFC 7517), of sizes that sign safely."""

import json
from collections.abc import Sequence

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey

from oauth.errors import RegistrationRefused

# each key is tried against a signature, so a set without end would cost a verification each
MAX_KEYS = 10


# RFC 7518 §3.3: 2048 bits or larger MUST be used.
MIN_RSA_BITS = 2048


def read_object(raw: bytes) -> dict[str, object]:
    """Read one JSON object strictly: no repeated member, no NaN, no byte order mark. Raises RegistrationRefused."""
    try:
        # RFC 8259 §4: of two members of one name parsers keep different ones; what is checked must be what is kept.
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_once_each, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise RegistrationRefused("client metadata must be one JSON object with unique members, in UTF-8") from error
    if not isinstance(value, dict):
        raise RegistrationRefused("client metadata must be one JSON object")
    return value


def import_public_keys(jwks: dict[str, object]) -> KeySet:
    """Return the keys of a JWK set: public ones only, no shared secrets, RSA of 2048 bits at least. Raises RegistrationRefused."""
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not 0 < len(keys) <= MAX_KEYS or not all(isinstance(key, dict) for key in keys):
        raise RegistrationRefused(f"jwks must hold 1 to {MAX_KEYS} keys")
    return KeySet([_import_public_key(key) for key in keys])


def _import_public_key(key: dict[str, str | list[str]]) -> Key:
    # RFC 7591 §2: public keys. `k` is a shared secret, with which whoever reads the set could sign (RFC 8725 §2.1).
    if {"d", "p", "q", "k"} & key.keys():
        raise RegistrationRefused("jwks must hold public keys only")
    try:
        match key.get("kty"):
            case "RSA":
                rsa = RSAKey.import_key(key)
                # RFC 7518 §3.3, §3.5.
                if rsa.public_key.key_size < MIN_RSA_BITS:
                    raise RegistrationRefused(f"an RSA key in jwks is shorter than {MIN_RSA_BITS} bits")
                return rsa
            case "EC":
                return ECKey.import_key(key)
            case "OKP":
                return OKPKey.import_key(key)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise RegistrationRefused("a key in jwks does not parse as a public JWK") from error
    # RFC 8725 §3.2: `oct` would open the door to HMAC.
    raise RegistrationRefused("jwks holds a key of a type that is not RSA, EC or OKP")


def _once_each(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is repeated")
    return members


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
