"""What a client says about itself, checked: the same rules for registrations and for metadata documents (RFC 7591 §2)."""

import re
import unicodedata
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from oauth.clients.client import (
    AUTHORIZATION_CODE,
    DEFAULT_GRANT_TYPES,
    DEVICE_CODE,
    JWT_BEARER,
    PRIVATE_KEY_JWT,
    REFRESH_TOKEN,
    ApplicationType,
    ClientAuthMethod,
)
from oauth.clients.redirect_uris import check_registrable, is_native
from oauth.errors import RegistrationRefused
from oauth.public_keys import import_public_keys

MAX_REDIRECT_URIS = 10
MAX_NAME_LENGTH = 100
#: what a client that nobody vouches for may use
# RFC 9700 §2.1.2 (no implicit), §2.4 (no password), RFC 6749 §4.4 (client_credentials needs somebody who vouches).
OPEN_GRANT_TYPES = (AUTHORIZATION_CODE, REFRESH_TOKEN, DEVICE_CODE, JWT_BEARER)
REFUSED_GRANT_TYPES = frozenset({"implicit", "password", "client_credentials"})
#: what a member breaks, by the name that pydantic gives it, in our words
_RULES = {
    "string_type": "must be a string",
    "list_type": "must be an array",
    "dict_type": "must be an object",
    "literal_error": "must be {expected}",
    "string_too_long": "is longer than {max_length} characters",
    "too_long": "has more than {max_length} members; leave out those that you do not need",
}
_LINK = re.compile(r"https?://[^\s/?#@\\]+[^\s\\]*")
_Text = Annotated[str, Field(max_length=2000)]
_Grants = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=20)]


class ClientMetadata(BaseModel):
    """Unknown members are ignored (RFC 7591 §2), also those that would choose ids and secrets."""

    # RFC 7591 §3.2.1: the server chooses client_id and client_secret; a caller's own would take over another client.
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")

    redirect_uris: Annotated[list[str], Field(max_length=MAX_REDIRECT_URIS)] = []
    client_name: Annotated[str, Field(max_length=1000)] = ""
    application_type: ApplicationType | None = None
    token_endpoint_auth_method: ClientAuthMethod | None = None
    grant_types: _Grants | None = None
    response_types: list[Literal["code"]] | None = None
    scope: _Text = ""
    jwks: dict[str, object] | None = None
    jwks_uri: _Text | None = None
    client_uri: _Text | None = None
    logo_uri: _Text | None = None
    policy_uri: _Text | None = None
    tos_uri: _Text | None = None
    sector_identifier_uri: _Text | None = None
    software_id: Annotated[str, Field(max_length=200)] = ""
    software_version: Annotated[str, Field(max_length=200)] = ""

    def kind_of_application(self) -> ApplicationType:
        """Return what it is: native when an answer goes to the person's own machine, whatever it says of itself, else what it says.

        RFC 7591 §3.2.1 lets a server register another value than was asked for, and the answer shows which one.
        """
        return "native" if is_native(self.redirect_uris) else self.application_type or "web"

    def allowed_grant_types(self) -> frozenset[str]:
        """Return the grant types that it may use; unknown ones are left out."""
        return frozenset(self.grant_types or DEFAULT_GRANT_TYPES) & frozenset(OPEN_GRANT_TYPES)

    def links(self) -> tuple[tuple[str, str], ...]:
        named = {"client_uri": self.client_uri, "logo_uri": self.logo_uri, "policy_uri": self.policy_uri, "tos_uri": self.tos_uri}
        return tuple((name, uri) for name, uri in named.items() if uri)


def check_metadata(value: dict[str, object]) -> ClientMetadata:
    """Return the metadata when every member follows the rules. Raises RegistrationRefused.

    A member that is null counts as omitted (RFC 7592 §2.2).
    """
    try:
        metadata = ClientMetadata.model_validate({name: member for name, member in value.items() if member is not None})
    except ValidationError as error:
        raise _broken_rule(error) from error
    for name, uri in (*metadata.links(), ("jwks_uri", metadata.jwks_uri), ("sector_identifier_uri", metadata.sector_identifier_uri)):
        # RFC 7591 §5: links are shown to people; `javascript:` and `data:` would run on our page.
        if uri and not _LINK.fullmatch(uri):
            raise RegistrationRefused(f"{name} must be an https URL")
    _check_grants(metadata)
    _check_keys(metadata)
    # RFC 7591 §2, RFC 9700 §2.1: without a registered address any address would do.
    if AUTHORIZATION_CODE in metadata.allowed_grant_types() and not metadata.redirect_uris:
        raise RegistrationRefused("redirect_uris needs at least one URI", "invalid_redirect_uri")
    # RFC 7591 §3.2.2: one bad address refuses the whole, since a part would be another registration than the client believes in.
    for uri in metadata.redirect_uris:
        check_registrable(uri)
    return metadata


def clean_name(name: str, otherwise: str) -> str:
    """Return a client's name without control and direction-changing characters, shortened; `otherwise` when nothing is left."""
    # Unicode Cc and Cf: a direction mark turns `exe.dlrow` into another name on the consent page (RFC 7591 §5).
    visible = "".join(character for character in name if unicodedata.category(character)[0] != "C")
    return " ".join(visible.split())[:MAX_NAME_LENGTH] or otherwise


def _broken_rule(error: ValidationError) -> RegistrationRefused:
    """Return a refusal that names the first wrong member and the rule that it breaks; nothing of what was sent is repeated."""
    first = error.errors(include_url=False, include_input=False)[0]
    name, *places = first["loc"]
    where = f"{name}{''.join(f'[{place}]' for place in places if isinstance(place, int))}"
    rule = _RULES.get(first["type"], "is not what RFC 7591 allows for it").format(**first.get("ctx", {}))
    # RFC 7591 §3.2.2.
    return RegistrationRefused(f"{where} {rule}", "invalid_redirect_uri" if name == "redirect_uris" else "invalid_client_metadata")


def _check_grants(metadata: ClientMetadata) -> None:
    # RFC 7591 §3.2.2: refused rather than dropped, since a client that needs one would fail later and not know why.
    if refused := sorted(REFUSED_GRANT_TYPES & set(metadata.grant_types or ())):
        raise RegistrationRefused(f"the grant type {refused[0]} cannot be registered; an operator adds clients that need it")
    if not metadata.allowed_grant_types():
        raise RegistrationRefused(f"grant_types names none of {', '.join(OPEN_GRANT_TYPES)}")


def _check_keys(metadata: ClientMetadata) -> None:
    # RFC 7591 §2: MUST NOT both be present.
    if metadata.jwks is not None and metadata.jwks_uri is not None:
        raise RegistrationRefused("jwks and jwks_uri exclude each other; send one")
    # RFC 7591 §2, RFC 7523 §2.2: without keys it could never authenticate at the token endpoint.
    if metadata.token_endpoint_auth_method == PRIVATE_KEY_JWT and metadata.jwks is None and metadata.jwks_uri is None:
        raise RegistrationRefused("private_key_jwt needs jwks or jwks_uri")
    # RFC 7591 §2, §5: keys over plain http are whoever's the network is.
    if metadata.jwks_uri is not None and not metadata.jwks_uri.startswith("https://"):
        raise RegistrationRefused("jwks_uri must be an https URL")
    if metadata.jwks is not None:
        import_public_keys(metadata.jwks)
