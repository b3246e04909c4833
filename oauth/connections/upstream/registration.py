"""Register the gateway where an upstream's accounts sign in: by a metadata document, or dynamically (RFC 7591)."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from oauth.connections.connecting.links import callback_url
from oauth.connections.errors import NotRegistered
from oauth.connections.upstream.metadata import MAX_DOCUMENT_BYTES, TIMEOUT_S, SignIn
from oauth.connections.upstream.registrations import UpstreamRegistration
from oauth.errors import FetchRefused
from oauth.fetch import Outbound

CLIENT_NAME = "Ascend Gateway"
#: an account of a server that tells nobody whose it is
NAMELESS = "account"
#: a client id or secret: printable ASCII (RFC 6749 §A.1 and §A.2)
_WORD = re.compile(r"[\x20-\x7e]{1,2000}")
MAX_REASON_CHARS = 200


@dataclass(frozen=True, slots=True)
class NewRegistration:
    registration: UpstreamRegistration
    client_secret: str = field(repr=False)


def document_url(base_url: str, tenant_id: str, provider: str) -> str:
    """Return the address of the document that describes this gateway as a client; it is the client id."""
    return f"{base_url}/connect/clients/{tenant_id}/{provider}"


def client_document(base_url: str, tenant_id: str, provider: str) -> dict[str, Any]:
    """Return that document (draft-ietf-oauth-client-id-metadata-document)."""
    return {"client_id": document_url(base_url, tenant_id, provider), **_described(base_url, tenant_id, provider, "none")}


async def register(send: Outbound, sign_in: SignIn, *, base_url: str, tenant_id: str, provider: str, title: str) -> NewRegistration:
    """Make the gateway a client for one tenant. Raises NotRegistered where the authorization server takes neither way."""
    # The document must be readable from outside, so it serves only gateways with a public address.
    if sign_in.takes_documents and base_url.startswith("https://"):
        client_id, secret, method = document_url(base_url, tenant_id, provider), "", "none"
    else:
        client_id, secret, method = await _dynamically(send, sign_in, base_url, tenant_id, provider)
    definition = definition_of(sign_in, provider, title, client_auth="basic" if method == "client_secret_basic" else "body")
    return NewRegistration(UpstreamRegistration(tenant_id, provider, client_id, definition), secret)


async def _dynamically(send: Outbound, sign_in: SignIn, base_url: str, tenant_id: str, provider: str) -> tuple[str, str, str]:
    way_out = f"register {callback_url(base_url, tenant_id, provider)} there by hand, then `ascend provider add`"
    if not sign_in.registration_url:
        raise NotRegistered(f"{sign_in.issuer} registers no clients by itself; {way_out}")
    # In the body first: the servers of the MCP SDK for Python want the client id there, too, which Basic does not bring.
    known = ("client_secret_post", "client_secret_basic", "none")
    wanted = next((method for method in known if method in sign_in.auth_methods), "client_secret_basic")
    asked = _described(base_url, tenant_id, provider, wanted)
    if sign_in.scopes:
        asked["scope"] = " ".join(sign_in.scopes)
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    body = json.dumps(asked).encode()
    try:
        answer = await send("POST", sign_in.registration_url, headers=headers, body=body, max_bytes=MAX_DOCUMENT_BYTES, timeout_s=TIMEOUT_S)
        content = json.loads(answer.body)
    except (FetchRefused, ValueError, RecursionError) as error:
        raise NotRegistered(f"{sign_in.issuer} gave no answer to the registration; {way_out}") from error
    client_id = content.get("client_id") if isinstance(content, dict) else None
    # RFC 7591 §3.2.1 says 201, several servers 200. The id goes into URLs and headers, so only RFC 6749 §A.1 passes.
    if answer.status not in (200, 201) or not isinstance(client_id, str) or not _WORD.fullmatch(client_id):
        raise NotRegistered(f"{sign_in.issuer} refused the registration ({answer.status}{_reason(content)}); {way_out}")
    secret = content.get("client_secret")
    return (
        client_id,
        # RFC 6749 §A.2
        secret if isinstance(secret, str) and _WORD.fullmatch(secret) else "",
        str(content.get("token_endpoint_auth_method") or wanted),
    )


def definition_of(sign_in: SignIn, provider: str, title: str, *, client_auth: str) -> dict[str, Any]:
    """Return what a provider's file would say of this authorization server. Tokens are asked for this resource alone (RFC 8707)."""
    # MCP authorization: MUST be in both requests, so that a token taken from one server opens no other.
    resource = {"resource": sign_in.resource}
    account: dict[str, Any] = {"id": f"'{NAMELESS}'", "title": f"'{NAMELESS}'"}
    if sign_in.userinfo_url:
        account = {"request": {"url": sign_in.userinfo_url}, "id": "me.sub", "title": "me.email || me.name || me.sub"}
    definition: dict[str, Any] = {
        "id": provider,
        "title": title[:100] or provider,
        "auth": "oauth2",
        "issuer": sign_in.issuer,
        # RFC 9207 §2.4
        "requires_issuer": sign_in.sends_issuer,
        "authorize_url": sign_in.authorize_url,
        "token_url": sign_in.token_url,
        # RFC 7636 §7.2
        "pkce": "S256",
        "client_auth": client_auth,
        "default_scopes": list(sign_in.scopes),
        "scopes_are_complete": False,
        "authorize_params": resource,
        "token_params": resource,
        "refresh_params": resource,
        "refresh": {"rotates": "sometimes"},
        "account": account,
    }
    if sign_in.revocation_url:
        definition["revoke"] = {"url": sign_in.revocation_url, "style": "rfc7009", "token": "refresh"}
    return definition


def _reason(content: Any) -> str:
    """Return what a refusal says of itself (RFC 7591 §3.2.2): a stranger's words, so few of them, and only what can be seen."""
    said = [content.get(name) for name in ("error", "error_description")] if isinstance(content, dict) else []
    words = ": ".join(part for part in said if isinstance(part, str) and part)
    shown = "".join(character for character in words if character.isprintable())[:MAX_REASON_CHARS]
    return f" {shown}" if shown else ""


def _described(base_url: str, tenant_id: str, provider: str, auth_method: str) -> dict[str, Any]:
    return {
        "client_name": CLIENT_NAME,
        "client_uri": base_url,
        # RFC 9700 §4.4.2.2
        "redirect_uris": [callback_url(base_url, tenant_id, provider)],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": auth_method,
        # What answers at a loopback address is a native application; a web one needs https (OpenID Connect Registration §2).
        "application_type": "web" if base_url.startswith("https://") else "native",
    }
