"""A service principal: software with a key pair, of which we know the public half. It has no secret (RFC 7523 §2.2)."""

import ipaddress
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc.jwk import ECKey, OKPKey, RSAKey

from oauth.administration.errors import MachineRefused
from oauth.administration.roles import Role
from oauth.clients.client import CLIENT_CREDENTIALS, PRIVATE_KEY_JWT, Client
from oauth.errors import RegistrationRefused
from oauth.public_keys import MIN_RSA_BITS, import_public_keys, read_object
from oauth.resources import LOOPBACK_HOSTS
from oauth.services.machine import Machine, check_name
from oauth.tokens.formats import new_id

DEFAULT_DAYS = 90
MAX_DAYS = 365
DAY_S = 86_400.0
MAX_CIDRS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePrincipal(Machine):
    """`machine_id` is also its client_id. `cidrs`: from where its tokens count; none: from everywhere."""

    expires_at: float
    cidrs: tuple[str, ...] = ()


def new_service(
    name: str,
    *,
    tenant_id: str,
    role: Role,
    reaches_gateway: bool,
    jwks: str,
    jwks_uri: str,
    by: str,
    days: int = DEFAULT_DAYS,
    cidrs: Sequence[str] = (),
) -> tuple[ServicePrincipal, Client]:
    """Return a service principal and the client that it proves itself as. Raises MachineRefused."""
    now = time.time()
    if not 1 <= days <= MAX_DAYS:
        raise MachineRefused(f"days: give 1 to {MAX_DAYS}")
    # RFC 7591 §2: keys here and keys at an address exclude each other.
    if bool(jwks) == bool(jwks_uri):
        raise MachineRefused("key: give a public key, or the address of a JWK set, and not both")
    if jwks_uri:
        check_address("jwks", jwks_uri)
    machine_id = new_id("service")
    service = ServicePrincipal(
        machine_id=machine_id,
        tenant_id=tenant_id,
        name=check_name(name),
        role=role,
        reaches_gateway=reaches_gateway,
        created_at=now,
        created_by=by,
        expires_at=now + days * DAY_S,
        cidrs=_networks(cidrs),
    )
    client = Client(
        client_id=machine_id,
        kind="registered",
        name=service.by,
        redirect_uris=(),
        created_at=now,
        auth_method=PRIVATE_KEY_JWT,
        grant_types=frozenset({CLIENT_CREDENTIALS}),
        jwks=jwks,
        jwks_uri=jwks_uri,
        tenant_id=tenant_id,
        service_subject=machine_id,
    )
    return service, client


def public_keys_of(raw: bytes) -> str:
    """Return the JWK set of a file with a public key: PEM, a JWK, or a set of them. Raises MachineRefused."""
    if b"PRIVATE KEY" in raw:
        raise MachineRefused("key: this is the private half; keep it where it is, and give the public one")
    try:
        given = _from_pem(raw) if raw.lstrip().startswith(b"-----BEGIN") else read_object(raw)
        keys: dict[str, object] = given if "keys" in given else {"keys": [given]}
        import_public_keys(keys)
    except RegistrationRefused as error:
        raise MachineRefused(f"key: {error.description}") from error
    return json.dumps(keys)


def check_address(name: str, url: str) -> None:
    """Refuse an address by which somebody on the way could give keys of their own. Raises MachineRefused."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise MachineRefused(f"{name}: it is no address; give an https one") from error
    is_here = parts.scheme == "http" and parts.hostname is not None and parts.hostname in {host.strip("[]") for host in LOOPBACK_HOSTS}
    if (parts.scheme != "https" and not is_here) or not parts.hostname or parts.fragment or parts.username or len(url) > 512:
        raise MachineRefused(f"{name}: give an https address")


def _from_pem(raw: bytes) -> dict[str, object]:
    try:
        key = load_pem_public_key(raw)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise MachineRefused("key: this PEM is no public key") from error
    match key:
        case rsa.RSAPublicKey() if key.key_size < MIN_RSA_BITS:
            raise MachineRefused(f"key: an RSA key has {MIN_RSA_BITS} bits at least")
        case rsa.RSAPublicKey():
            return dict(RSAKey.import_key(raw).as_dict(private=False))
        case ec.EllipticCurvePublicKey():
            return dict(ECKey.import_key(raw).as_dict(private=False))
        case ed25519.Ed25519PublicKey():
            return dict(OKPKey.import_key(raw).as_dict(private=False))
    raise MachineRefused("key: this PEM is no public key of RSA, EC or Ed25519")


def _networks(cidrs: Sequence[str]) -> tuple[str, ...]:
    if len(cidrs) > MAX_CIDRS:
        raise MachineRefused(f"cidr: {MAX_CIDRS} are the most")
    try:
        return tuple(str(ipaddress.ip_network(each.strip())) for each in cidrs)
    except ValueError as error:
        raise MachineRefused(f"cidr: {error}; write networks like 192.0.2.0/24") from error
