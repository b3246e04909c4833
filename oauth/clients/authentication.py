"""Which client sends a request, proven by the one method that it registered (RFC 6749 §2.3, RFC 7523 §2.2)."""

import base64
import binascii
import hmac
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from oauth.audit import SecurityEvent
from oauth.clients.assertions import ASSERTION_TYPE, ClientAssertions
from oauth.clients.client import Client, ClientAuthMethod
from oauth.clients.lookup import Clients
from oauth.errors import InvalidClient, OAuthError
from oauth.parameters import Parameters
from oauth.stores import AuditLog
from oauth.tokens.formats import hash_token, is_token

_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class _Presented:
    """What a request claims, and by which one method."""

    method: ClientAuthMethod
    client_id: str
    secret: str = field(default="", repr=False)


class ClientAuthentication:
    """Finds the client of a form: none, client_secret_basic, client_secret_post or private_key_jwt."""

    def __init__(self, clients: Clients, assertions: ClientAssertions, audit: AuditLog, clock: Callable[[], float] = time.time) -> None:
        self._clients = clients
        self._assertions = assertions
        self._audit = audit
        self._clock = clock

    async def authenticate(self, form: Parameters, authorization: str | None) -> Client:
        """Return the authenticated client; a public one is only identified. Raises InvalidClient, OAuthError."""
        presented = _read(form, authorization)
        by_header = authorization is not None
        # RFC 6749 §5.2: 401 invalid_client, which is also what makes clients register anew.
        client = await self._clients.find(presented.client_id)
        if client is None:
            raise InvalidClient("no such client; register again", by_header=by_header)
        try:
            await self._prove(client, presented, by_header)
        except InvalidClient as error:
            facts = {"method": presented.method, "reason": error.description}
            # RFC 6749 §2.3.1: guesses must be noticed; limits count them (server/authorization), the audit keeps them.
            event = SecurityEvent(
                "client_authentication_failed", self._clock(), client.tenant_id or "", client_id=client.client_id, facts=facts
            )
            await self._audit.record(event)
            raise
        await self._clients.note_use(client)
        return client

    async def _prove(self, client: Client, presented: _Presented, by_header: bool) -> None:
        if client.is_public and presented.method == "client_secret_basic" and not presented.secret:
            return  # some libraries send Basic for every client: an empty secret proves nothing, and nothing has to be proven
        # RFC 7591 §2 (token_endpoint_auth_method): a secret must not stand in for a key, nor nothing for a secret.
        if client.auth_method != presented.method:
            raise InvalidClient(f"this client authenticates by {client.auth_method}", by_header=by_header)
        match presented.method:
            case "private_key_jwt":
                await self._assertions.check(client, presented.secret)
            case "client_secret_basic" | "client_secret_post":
                _check_secret(client, presented.secret, by_header)
            case "none":
                pass  # RFC 6749 §2.1: a public client has nothing to prove itself with; PKCE protects its codes


def _read(form: Parameters, authorization: str | None) -> _Presented:
    client_id, secret = form.get("client_id"), form.get("client_secret")
    assertion, assertion_type = form.get("client_assertion"), form.get("client_assertion_type")
    by_assertion = assertion is not None or assertion_type is not None
    by_header = authorization is not None
    # RFC 6749 §2.3.1 knows Basic here and nothing else.
    if authorization is not None and _is_no_credential(authorization):
        authorization = None
    # RFC 6749 §2.3: MUST NOT use more than one method, or each check could look at another one.
    if (authorization is not None) + (secret is not None) + by_assertion > 1:
        raise OAuthError("invalid_request", "more than one way of client authentication; use the registered one only")
    if authorization is not None:
        user, password = _read_basic(authorization)
        # RFC 6749 §2.3: two names for one sender; limits would count the one, the answer go to the other.
        if client_id is not None and client_id != user:
            raise OAuthError("invalid_request", "client_id differs from the one in the Authorization header")
        return _Presented("client_secret_basic", user, password)
    if by_assertion:
        # RFC 7521 §4.2: both parameters are REQUIRED.
        if assertion_type != ASSERTION_TYPE or assertion is None:
            raise InvalidClient(f"client_assertion needs client_assertion_type {ASSERTION_TYPE}")
        # RFC 7521 §4.2: client_id is optional beside an assertion; where it is sent, `check` holds the two together.
        return _Presented("private_key_jwt", client_id or ClientAssertions.claimed_client(assertion), assertion)
    if client_id is None:
        raise InvalidClient("client_id is missing", by_header=by_header)
    return _Presented("none", client_id) if secret is None else _Presented("client_secret_post", client_id, secret)


def _is_no_credential(authorization: str) -> bool:
    """Say whether a header is none of client authentication: another scheme, as the access token that has ended, or nothing in it.

    It is passed over, so the client is who the form says; one that has to prove itself still has to.
    """
    scheme, _, credentials = authorization.strip().partition(" ")
    return scheme.lower() != "basic" or credentials.strip() in ("", "Og==")


def _read_basic(authorization: str) -> tuple[str, str]:
    """Return id and secret of a Basic header; both parts are form-encoded inside (RFC 6749 §2.3.1)."""
    scheme, _, credentials = authorization.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError("not Basic")
        # RFC 7617 §2, and strict base64: text that decoders read in two ways is no credential.
        user, colon, password = base64.b64decode(credentials.strip(), validate=True).decode("utf-8").partition(":")
        if not colon:
            raise ValueError("no colon")
        return _form_decode(user), _form_decode(password)
    except (ValueError, binascii.Error) as error:
        raise InvalidClient("the Authorization header is not a well-formed Basic one", by_header=True) from error


def _form_decode(text: str) -> str:
    # RFC 6749 §2.3.1, appendix B: a stray percent sign means that nothing was encoded; guessing what was meant would hide it.
    if _BAD_PERCENT.search(text):
        raise ValueError("percent sign without two hexadecimal digits")
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")


def _check_secret(client: Client, secret: str, by_header: bool) -> None:
    # An operator may have chosen a secret of another shape, so every text is hashed; hashing evens the lengths out as well.
    if client.secret_hash is None or not hmac.compare_digest(hash_token(secret), client.secret_hash) or not is_token("cs", secret):
        raise InvalidClient(by_header=by_header)
