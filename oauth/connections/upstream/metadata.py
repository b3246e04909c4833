"""Where an upstream's accounts sign in: its protected resource metadata, and its authorization server's (RFC 9728, RFC 8414)."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from oauth.connections.errors import NotDiscoverable
from oauth.errors import FetchRefused
from oauth.fetch import Fetched, Outbound

TIMEOUT_S = 10.0
MAX_DOCUMENT_BYTES = 256_000
_PROBE = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode()
#: RFC 9110 §11.2: a token or a quoted text, with blanks around `=` where somebody put them, its name in any case
_PARAMETER = re.compile(r'([A-Za-z0-9_-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))')
#: scheme, host and port, path and query of RFC 3986: no user information, no fragment, nothing that a person does not see
_ADDRESS = re.compile(
    r"(https?)://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~:/\[\]@!$&'()*+,;=%-]*)?(?:\?[A-Za-z0-9._~:/?@!$&'()*+,;=%-]*)?"
)
MAX_ADDRESS_CHARS = 2_000
MAX_CHALLENGES_CHARS = 8_000
#: RFC 6749 §3.3
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}")
MAX_SCOPES = 100


@dataclass(frozen=True, slots=True)
class SignIn:
    """How accounts of one upstream are connected, as its own metadata says."""

    resource: str
    issuer: str
    authorize_url: str
    token_url: str
    #: what the upstream asks for, in its order
    scopes: tuple[str, ...]
    registration_url: str = ""
    revocation_url: str = ""
    userinfo_url: str = ""
    auth_methods: tuple[str, ...] = ("client_secret_basic",)
    #: the authorization server sends `iss` with its answers (RFC 9207)
    sends_issuer: bool = False
    #: a client may be named by the address of its metadata document
    takes_documents: bool = False


async def discover(send: Outbound, url: str) -> SignIn:
    """Ask the server at `url` without a credential, and follow what it says. Raises NotDiscoverable."""
    answer = await _ask(send, "POST", url, _PROBE)
    # RFC 9728 §5: without a challenge there is nothing to sign in for.
    if answer.status != 401:
        raise NotDiscoverable(f"{url} does not ask for sign-in (it answered {answer.status})")
    said = _parameters(answer.headers.get("www-authenticate", ""))
    # RFC 9728 §5.1: `resource_metadata` first, then the well-known places (§3.1).
    resource, asked = await _resource(send, url, said.get("resource_metadata"))
    # Servers from before RFC 9728 are their own authorization servers (MCP 2025-03-26).
    issuer = _first(asked.get("authorization_servers")) or _origin(url)
    # The upstream is a stranger: each address that it names is judged before it is asked, and by the egress again.
    _check_address(issuer, "the authorization server", url)
    metadata = await _server_metadata(send, issuer)
    for name in ("authorization_endpoint", "token_endpoint"):
        _check_address(metadata.get(name), name, url)
    # MCP authorization: clients MUST refuse to go on where PKCE is not announced.
    if "S256" not in _texts(metadata.get("code_challenge_methods_supported")):
        raise NotDiscoverable(f"{issuer} does not say that it takes PKCE with S256, which MCP demands")
    offered = _texts(metadata.get("scopes_supported"))
    scopes = said["scope"].split() if said.get("scope") else list(_texts(asked.get("scopes_supported")))
    # MCP authorization: only where the metadata lists it.
    if "offline_access" in offered:
        scopes.append("offline_access")
    optional = {name: _optional(metadata.get(name), url) for name in ("registration_endpoint", "revocation_endpoint", "userinfo_endpoint")}
    return SignIn(
        resource=resource,
        issuer=issuer,
        authorize_url=metadata["authorization_endpoint"],
        token_url=metadata["token_endpoint"],
        scopes=tuple(dict.fromkeys(scope for scope in scopes if _SCOPE.fullmatch(scope)))[:MAX_SCOPES],
        registration_url=optional["registration_endpoint"],
        revocation_url=optional["revocation_endpoint"],
        userinfo_url=optional["userinfo_endpoint"] if "openid" in scopes else "",
        auth_methods=_texts(metadata.get("token_endpoint_auth_methods_supported")) or ("client_secret_basic",),
        sends_issuer=metadata.get("authorization_response_iss_parameter_supported") is True,
        takes_documents=metadata.get("client_id_metadata_document_supported") is True,
    )


def _parameters(challenges: str) -> dict[str, str]:
    """Return the parameters of WWW-Authenticate by their names in lower case; of two with one name the first."""
    found: dict[str, str] = {}
    # Cut to a length first: the pattern runs over a stranger's text.
    for name, quoted, token in _PARAMETER.findall(challenges[:MAX_CHALLENGES_CHARS]):
        found.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) or token)
    return found


async def _resource(send: Outbound, url: str, named: str | None) -> tuple[str, Mapping[str, Any]]:
    """Return the resource's name and its metadata; without a document the server's own address, and nothing."""
    parts = urlsplit(url)
    well_known = f"{_origin(url)}/.well-known/oauth-protected-resource"
    places = [named] if named else [f"{well_known}{parts.path.rstrip('/')}", well_known]
    for place in dict.fromkeys(places):
        _check_address(place, "resource_metadata", url)
        document = await _document(send, place)
        if document is None:
            continue
        resource = document.get("resource")
        # RFC 9728 §3.3: metadata of another resource must not be used; a resource may stand for everything under its own path.
        if (
            not isinstance(resource, str)
            or not _ADDRESS.fullmatch(resource)
            or not (url == resource or url.startswith(resource.rstrip("/") + "/"))
        ):
            raise NotDiscoverable(f"{place} describes another resource than {url}")
        return resource, document
    if named:
        raise NotDiscoverable(f"{named}, which {url} names, is no metadata document")
    return url, {}


async def _server_metadata(send: Outbound, issuer: str) -> Mapping[str, Any]:
    for place in _places(issuer):
        document = await _document(send, place)
        if document is None:
            continue
        # RFC 8414 §3.3: byte for byte, or the document belongs to somebody else.
        if document.get("issuer") != issuer:
            raise NotDiscoverable(f"{place} speaks for another issuer than {issuer}")
        return document
    raise NotDiscoverable(f"{issuer} publishes no authorization server metadata")


def _places(issuer: str) -> Iterator[str]:
    path, origin = urlsplit(issuer).path.rstrip("/"), _origin(issuer)
    # RFC 8414 §3.1, then §5, in the order of MCP authorization.
    yield f"{origin}/.well-known/oauth-authorization-server{path}"
    yield f"{origin}/.well-known/openid-configuration{path}"
    if path:
        yield f"{origin}{path}/.well-known/openid-configuration"


async def _document(send: Outbound, url: str) -> Mapping[str, Any] | None:
    answer = await _ask(send, "GET", url, None)
    try:
        # RFC 8414 §3.2, RFC 9728 §3.2: 200; a redirect would let another host describe this one.
        content = json.loads(answer.body) if answer.status == 200 else None
    except (ValueError, RecursionError):  # no JSON, or nested as only an attacker would
        return None
    return content if isinstance(content, dict) else None


async def _ask(send: Outbound, method: str, url: str, body: bytes | None) -> Fetched:
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    try:
        return await send(method, url, headers=headers, body=body, max_bytes=MAX_DOCUMENT_BYTES, timeout_s=TIMEOUT_S)
    except FetchRefused as error:
        raise NotDiscoverable(f"{url} cannot be asked: {error.reason}") from error


def _check_address(value: object, name: str, url: str) -> None:
    """Refuse what is no address, or leads from https to http: codes and tokens must not travel in the clear."""
    found = _ADDRESS.fullmatch(value) if isinstance(value, str) and len(value) <= MAX_ADDRESS_CHARS else None
    # RFC 9700 §2.6, RFC 6749 §3.1, §3.2: TLS for both endpoints.
    if found is None or (found[1] == "http" and not url.startswith("http:")):
        raise NotDiscoverable(f"{name} of {url} is missing, or is no https address")


def _optional(value: object, url: str) -> str:
    if not isinstance(value, str) or not value:
        return ""
    _check_address(value, "an endpoint", url)
    return value


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _texts(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _first(value: object) -> str:
    return next(iter(_texts(value)), "")
