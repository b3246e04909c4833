"""What the machine endpoints of the authorization server share: small strict bodies in, JSON without caching out, CORS, errors."""

import base64
import hashlib
import logging
import math
from collections.abc import Awaitable, Callable, Mapping

import orjson
from starlette.requests import Request
from starlette.responses import Response

from oauth.errors import InvalidClient, OAuthError
from oauth.parameters import Parameters
from server import posted_form, request_body
from server.json_error import json_error
from server.posted_form import FormUnreadable
from server.rate_limits import Place, RateLimited, RateLimits, address_key, is_shared
from server.request_scope import ALLOWED_HEADERS, CORS
from server.storage.database import StoreUnavailable

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 32 * 1024
BODY_TIMEOUT_S = 5.0
MAX_LOGGED_CHARS = 200
# RFC 6749 §5.1: both, on whatever may hold a token.
NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}

MachineEndpoint = Callable[[Request], Awaitable[Response]]


def for_machines(endpoint: MachineEndpoint, methods: str) -> MachineEndpoint:
    """Return `endpoint` with preflights answered, errors as JSON, and the headers that every answer carries."""

    async def answer(request: Request) -> Response:
        # Fetch, CORS protocol: a preflight carries no credential and must not need one.
        if request.method == "OPTIONS":
            return preflight(methods)
        try:
            response = await endpoint(request)
        except OAuthError as error:
            response = oauth_error(error)
            said = error.description[:MAX_LOGGED_CHARS]
            facts = {"path": request.scope["path"], "error": error.code, "description": said, "debug": error.debug}
            logger.info("oauth_refused", extra={"facts": facts})
        except RateLimited as error:
            # RFC 6585 §4, RFC 9110 §10.2.3: without Retry-After clients try again at once.
            wait_s = max(1, math.ceil(error.retry_after_s))
            response = json_error(
                429, "temporarily_unavailable", f"too many requests; wait {wait_s} s", headers={"retry-after": str(wait_s)}
            )
        except StoreUnavailable as error:
            logger.error("store_failed", exc_info=error, extra={"facts": {"path": request.scope["path"]}})
            response = json_error(503, "temporarily_unavailable", "the store does not answer; try again", headers={"retry-after": "1"})
        # Fetch: `*` never goes with credentials, so these endpoints read no cookie. Errors need the headers too, or browsers hide them.
        for name, value in (CORS if "cache-control" in response.headers else {**NO_STORE, **CORS}).items():
            response.headers.setdefault(name, value)
        return response

    return answer


def preflight(methods: str) -> Response:
    """Return the answer to a CORS preflight."""
    allowed = {"access-control-allow-methods": f"{methods}, OPTIONS", "access-control-allow-headers": ALLOWED_HEADERS}
    return Response(status_code=204, headers={**CORS, **allowed, "access-control-max-age": "86400"})


def oauth_error(error: OAuthError) -> Response:
    """Return RFC 6749 §5.2's answer. WWW-Authenticate goes only to clients that came by the Authorization header."""
    headers = {}
    # RFC 6749 §5.2: 401 with the scheme that the client used.
    if isinstance(error, InvalidClient) and error.by_header:
        headers["www-authenticate"] = 'Basic realm="Ascend Gateway", charset="UTF-8"'
    # RFC 6750 §3.
    elif error.code == "invalid_token":
        headers["www-authenticate"] = 'Bearer error="invalid_token"'
    return json_error(error.status, error.code, error.description, headers=headers)


def json_answer(content: Mapping[str, object], status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


async def read_form(request: Request) -> Parameters:
    """Return the form of a request (server/posted_form.py), nothing sent twice. Raises OAuthError."""
    try:
        return await posted_form.read_form(request)
    except FormUnreadable as error:
        # RFC 6749 §5.2 has 400 for what is wrong with a request; how its body came is HTTP's to say.
        raise OAuthError("invalid_request", error.message, status=400 if error.status == 415 else error.status) from error


async def read_body(request: Request) -> bytes:
    """Return a body of at most 32 KB that arrives within five seconds. Raises OAuthError."""
    try:
        # Bounded in size and time before anything is parsed: nobody has proven anything yet.
        body = await request_body.read_body(request.receive, MAX_BODY_BYTES, BODY_TIMEOUT_S)
    except TimeoutError as error:
        raise OAuthError("invalid_request", f"the body did not arrive within {BODY_TIMEOUT_S:.0f} s", status=408) from error
    except request_body.ClientGone as error:
        raise OAuthError("invalid_request", "the client went away") from error
    if body is None:
        raise OAuthError("invalid_request", f"the body is larger than {MAX_BODY_BYTES // 1024} KB", status=413)
    return body


def authorization_of(request: Request) -> str | None:
    """Return the one Authorization header; None where it is absent or blank. Raises OAuthError where there are two."""
    values = request.headers.getlist("authorization")
    # RFC 9110 §5.3: not a list field; two values could be one for the check and one for the log.
    if len(values) > 1:
        raise OAuthError("invalid_request", "two Authorization headers; send one")
    return values[0].strip() or None if values else None


def bearer_of(request: Request) -> str | None:
    """Return the token of a Bearer header."""
    scheme, _, token = (authorization_of(request) or "").partition(" ")
    # RFC 9110 §11.1: schemes compare without case.
    return token.strip() or None if scheme.lower() == "bearer" else None


def address_of(request: Request) -> str:
    """Return what counts as one caller."""
    return address_key(request.client.host if request.client else None)


def claimed_client(form: Parameters, authorization: str | None) -> str:
    """Return the client_id that a request claims, for counting; "" where it claims none."""
    client_id = form.get("client_id") or ""
    # Only for counting; who it is, is proven in oauth/clients/authentication.py.
    if not client_id and authorization is not None and authorization.lower().startswith("basic "):
        try:
            client_id = base64.b64decode(authorization[6:].strip(), validate=True).decode("utf-8").partition(":")[0]
        except ValueError:
            return ""
    return client_id[:512]


class Throttle:
    """Counts requests for tokens by address and by client at that address; a right one gives back what it took, so guessing
    slows down who guesses and nobody else.

    Behind an address of many, guesses of others leave whoever holds a code or token their own share: those cannot be guessed.
    """

    def __init__(self, limits: RateLimits) -> None:
        self._limits = limits

    async def take(self, request: Request, client_id: str, form: Parameters) -> list[Place]:
        """Count a request, and return where. Raises RateLimited."""
        address = address_of(request)
        at_client = ("token_client", f"{client_id} {address}")
        if not is_shared(address):
            # RFC 6749 §2.3.1, §10.10: guesses are bounded by address and by client at that address.
            taken = [await self._limits.check_address("token", address, "")]
            await self._limits.check(*at_client)
            return [*taken, at_client]
        held = "\n".join(form.get(name) or "" for name in _HELD)
        # decision 0021: 256 bits cannot be guessed, so whoever holds them keeps a share behind a crowded address.
        own = hashlib.sha256(f"{client_id}\n{held}\n{request.headers.get('authorization', '')}".encode(errors="replace")).hexdigest()
        taken = [await self._limits.check_address("token", address, own)]
        return taken if taken[0][0] == "token_crowd" else [*taken, await self._limits.check_shared(at_client, ("token_crowd", own))]

    def give_back(self, taken: list[Place]) -> None:
        for bucket, key in taken:
            self._limits.give_back(bucket, key)


#: what a request for a token is made with
_HELD = ("code", "refresh_token", "device_code", "subject_token", "assertion", "token", "client_secret", "client_assertion")
