"""Client ID metadata documents: the client_id is an https URL that describes the client (draft-ietf-oauth-client-id-metadata-document)."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

import anyio

from oauth.clients.client import Client
from oauth.clients.metadata import check_metadata, clean_name
from oauth.clients.pinned_documents import PINNED_DOCUMENTS
from oauth.errors import FetchRefused, RegistrationRefused
from oauth.fetch import ACCEPT_JSON, Fetched, Outbound
from oauth.public_keys import read_object
from oauth.stores import ClientStore

# CIMD draft, security considerations: 5 KB at most.
MAX_DOCUMENT_BYTES = 5120
MAX_URL_LENGTH = 512
FETCH_TIMEOUT_S = 5.0
#: A document we hold a copy of need not keep the person waiting.
PINNED_TIMEOUT_S = 1.5
# RFC 9111 §5.2 within bounds: a day at most, so that a withdrawn redirect address is withdrawn; never none, or every request fetches.
MIN_FRESH_S, DEFAULT_FRESH_S, MAX_FRESH_S = 30.0, 3600.0, 24 * 3600.0
UNUSED_KEPT_S = 24 * 3600.0
_URL = re.compile(r"https://(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(?::(?P<port>[0-9]{1,5}))?(?P<path>/[^?#\\\s]*)(?:\?[^#\\\s]*)?")
# CIMD draft: no dot segments, encoded ones included, since servers and caches resolve them differently.
_DOT_SEGMENT = re.compile(r"/(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)
# WHATWG URL: what ends in a number is an IPv4 address to resolvers, in octal and hexadecimal too.
_NUMERIC_HOST = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9a-fA-F]*)")
_DOTTED_QUAD = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}")
_MAX_AGE = re.compile(r"(?:^|,)\s*max-age\s*=\s*\"?([0-9]{1,10})", re.IGNORECASE)
#: services that a GET could do harm to; ports below 1024 are refused as a whole, but 443
_REFUSED_PORTS = frozenset({1433, 2375, 2379, 3306, 5432, 5672, 5984, 6379, 6443, 8500, 9042, 9200, 11211, 27017})


class ClientDocuments:
    """Clients by the document at their client_id: cached by HTTP's rules within 30 s and 24 h, errors never cached."""

    def __init__(self, store: ClientStore, send: Outbound, base_url: str, *, concurrent_fetches: int = 8) -> None:
        self._store = store
        self._send = send
        self._own_authority = urlsplit(base_url).netloc
        self._fetches = anyio.Semaphore(concurrent_fetches)

    async def find(self, url: str, now: float) -> Client:
        """Return the client that the document describes. Raises RegistrationRefused."""
        check_document_url(url, self._own_authority)
        stored = await self._store.find(url)
        # A client that an operator refused is not fetched again: its document cannot talk it back in.
        if stored is not None and (stored.disabled or now < stored.document_fresh_until):
            return stored
        try:
            client = await self._read(url, now)
        except FetchRefused as error:
            client = self._otherwise(url, stored, now, error)
        if stored is not None:
            client = _keep_history(client, stored)
        await self._store.save(client)
        return client

    async def _read(self, url: str, now: float) -> Client:
        # anybody can name a URL, so strangers' documents take only so many of our connections at once
        async with self._fetches:
            fetched = await self._send(
                "GET",
                url,
                headers=ACCEPT_JSON,
                body=None,
                max_bytes=MAX_DOCUMENT_BYTES,
                timeout_s=PINNED_TIMEOUT_S if url in PINNED_DOCUMENTS else FETCH_TIMEOUT_S,
            )
        # RFC 9110 §15: troubles of the moment, in which an older copy may serve; any other answer is the owner's word.
        if fetched.status in (403, 408, 429) or fetched.status >= 500:
            raise FetchRefused(f"the document answered {fetched.status}")
        # CIMD draft: 200 only. A redirect is an answer too: following it would let a host's open redirector describe clients.
        if fetched.status != 200:
            raise RegistrationRefused(f"the document answered {fetched.status}, not 200")
        media_type = fetched.headers.get("content-type", "").partition(";")[0].strip().lower()
        # CIMD draft: an uploaded picture or page of that host must not become a client.
        if media_type != "application/json" and not media_type.endswith("+json"):
            raise RegistrationRefused("the document is not application/json")
        return client_of_document(url, read_object(fetched.body), now, freshness_s(fetched))

    def _otherwise(self, url: str, stored: Client | None, now: float, error: FetchRefused) -> Client:
        """Return the copy that we hold, but none older than a day, or the pinned one."""
        # CIMD draft: an error is never cached, and an old copy ends after a day, whatever its own Cache-Control said.
        if stored is not None and stored.document_hash and now < stored.document_fetched_at + MAX_FRESH_S:
            return stored
        if url in PINNED_DOCUMENTS:
            return client_of_document(url, dict(PINNED_DOCUMENTS[url]), now, DEFAULT_FRESH_S)
        raise RegistrationRefused(error.reason) from error


def is_document_url(client_id: str) -> bool:
    """Say whether a client_id claims to be a document's URL; ids that we issue never start like one."""
    return client_id.lower().startswith(("https:", "http:"))


def check_document_url(url: str, own_authority: str) -> None:
    """Accept a URL by its text, before anything resolves or connects. Raises RegistrationRefused."""
    # CIMD draft: https, a path, no fragment, no user information; compared as text, since every parser mends some of it.
    match = _URL.fullmatch(url)
    if len(url) > MAX_URL_LENGTH or match is None or match["path"] == "/" or _DOT_SEGMENT.search(match["path"]):
        raise RegistrationRefused("a client_id URL is https with a host, a path and no dot segment, fragment or user information")
    port = int(match["port"] or 443)
    # A client_id makes this server send a GET; SSRF through the ports of databases and mail (CIMD draft, security considerations).
    if port != 443 and (port < 1024 or port > 65535 or port in _REFUSED_PORTS):
        raise RegistrationRefused("the port of a client_id URL is not one of a web server")
    host = match["host"].lower()
    # RFC 6761 §6.3, RFC 6762 §3: names that are local by definition. Addresses are judged again when they are dialled.
    if host.endswith((".", ".localhost", ".internal", ".local")) or (_NUMERIC_HOST.fullmatch(host) and not _DOTTED_QUAD.fullmatch(host)):
        raise RegistrationRefused("the host of a client_id URL is not a public name")
    # A document of our own would make us wait for ourselves, and would be written by whoever finds an echo here.
    if host == own_authority or f"{host}:{port}" in (own_authority, f"{own_authority}:443"):
        raise RegistrationRefused("a client_id URL cannot point at this server")


def client_of_document(url: str, value: dict[str, object], now: float, fresh_s: float) -> Client:
    """Return the client that a document describes, when it follows the rules. Raises RegistrationRefused."""
    # CIMD draft: exact string comparison; a document copied to another place is another client.
    if value.get("client_id") != url:
        raise RegistrationRefused("the document's client_id is not its URL")
    # CIMD draft: MUST NOT; a secret that everybody can read proves nothing.
    if any(name.startswith("client_secret") and member is not None for name, member in value.items()):
        raise RegistrationRefused("the document holds a client secret")
    metadata = check_metadata(value)
    auth_method = metadata.token_endpoint_auth_method or "none"
    # CIMD draft: no method with a shared secret.
    if auth_method not in ("none", "private_key_jwt"):
        raise RegistrationRefused("a client without a shared secret cannot authenticate with one")
    if not metadata.redirect_uris:
        raise RegistrationRefused("the document has no redirect_uris")
    return Client(
        client_id=url,
        kind="document",
        name=clean_name(metadata.client_name, urlsplit(url).netloc),
        redirect_uris=tuple(metadata.redirect_uris),
        created_at=now,
        application_type=metadata.kind_of_application(),
        auth_method=auth_method,
        grant_types=metadata.allowed_grant_types(),
        scope=metadata.scope,
        jwks="" if metadata.jwks is None else json.dumps(metadata.jwks),
        jwks_uri=metadata.jwks_uri or "",
        links=metadata.links(),
        software_id=metadata.software_id,
        software_version=metadata.software_version,
        expires_at=now + UNUSED_KEPT_S,
        document_hash=document_hash(value),
        document_fetched_at=now,
        document_fresh_until=now + fresh_s,
    )


def document_hash(value: Mapping[str, object]) -> str:
    """Return the SHA-256 of the document's content, whatever its spacing and order."""
    # What consent remembers: another hash is asked again (oauth/authorization/consent.py).
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def freshness_s(fetched: Fetched) -> float:
    """Return how long an answer may be used, by its Cache-Control, within our bounds (RFC 9111 §5.2)."""
    cache_control = fetched.headers.get("cache-control", "")
    if re.search(r"(?:^|,)\s*no-(?:store|cache)\b", cache_control, re.IGNORECASE):
        return MIN_FRESH_S
    max_age = _MAX_AGE.search(cache_control)
    return min(max(float(max_age[1]), MIN_FRESH_S), MAX_FRESH_S) if max_age else DEFAULT_FRESH_S


def _keep_history(client: Client, stored: Client) -> Client:
    """Return the new reading with what we know of the client's past."""
    kept_until = max(client.expires_at or 0.0, stored.expires_at or 0.0)
    return replace(client, created_at=stored.created_at, last_used_at=stored.last_used_at, expires_at=kept_until)
