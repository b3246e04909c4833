"""A client: software that asks for tokens."""

from dataclasses import dataclass, field
from typing import Literal, get_args

ClientKind = Literal["registered", "document", "dynamic"]
ClientAuthMethod = Literal["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]
ApplicationType = Literal["web", "native"]
CLIENT_AUTH_METHODS: tuple[ClientAuthMethod, ...] = get_args(ClientAuthMethod)

PRIVATE_KEY_JWT: ClientAuthMethod = "private_key_jwt"

AUTHORIZATION_CODE = "authorization_code"
REFRESH_TOKEN = "refresh_token"  # noqa: S105  the name of a grant type
CLIENT_CREDENTIALS = "client_credentials"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105  the name of a grant type
#: what a client gets that names none: nobody registers to sign in anew every hour
DEFAULT_GRANT_TYPES = (AUTHORIZATION_CODE, REFRESH_TOKEN)


@dataclass(frozen=True, slots=True)
class Client:
    """`kind` registered: by an operator; document: `client_id` is the URL of its metadata document; dynamic: by itself (RFC 7591).

    Redirect URIs are kept as they were sent, byte for byte: comparing them through a URL type would change them.
    """

    client_id: str
    kind: ClientKind
    name: str
    redirect_uris: tuple[str, ...]
    created_at: float
    application_type: ApplicationType = "web"
    auth_method: ClientAuthMethod = "none"
    grant_types: frozenset[str] = frozenset(DEFAULT_GRANT_TYPES)
    #: a hint of what it will ask for, never a ceiling
    scope: str = ""
    secret_hash: bytes | None = field(default=None, repr=False)
    #: public keys for private_key_jwt, as JSON text of a JWK set
    jwks: str = ""
    jwks_uri: str = ""
    #: the pages it names: client_uri, logo_uri, policy_uri, tos_uri; never fetched
    links: tuple[tuple[str, str], ...] = ()
    software_id: str = ""
    software_version: str = ""
    #: only this tenant may use it; None: all
    tenant_id: str | None = None
    #: a service principal's subject and ceiling, for client_credentials
    service_subject: str = ""
    service_scopes: frozenset[str] = frozenset()
    registration_hash: bytes | None = field(default=None, repr=False)
    #: /24 or /48 of the address that registered it
    registered_from: str = ""
    last_used_at: float | None = None
    #: gone after this moment; None: stays
    expires_at: float | None = None
    disabled: bool = False
    #: SHA-256 of the metadata document; "" for other kinds. A changed document asks for consent again
    document_hash: str = ""
    document_fetched_at: float = 0.0
    document_fresh_until: float = 0.0

    @property
    def is_public(self) -> bool:
        """A public client cannot prove who it is (RFC 6749 §2.1)."""
        return self.auth_method == "none"

    @property
    def is_verified(self) -> bool:
        """Only an operator's word makes a client's name more than its own claim."""
        return self.kind == "registered"

    def is_usable(self, now: float) -> bool:
        return not self.disabled and (self.expires_at is None or now < self.expires_at)

    def may_use_at(self, tenant_id: str) -> bool:
        return self.tenant_id is None or self.tenant_id == tenant_id
