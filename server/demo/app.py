"""The demo CRM as an ASGI application: one route for each operation of its OpenAPI document, its consent, its protection."""

import hashlib
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from server.demo.contract import Contract, contracts, published
from server.demo.grants import SCOPES, Faults, Grants, OAuthSettings
from server.demo.kept_grants import KeptGrants
from server.demo.oauth_endpoints import DemoOAuthEndpoints
from server.demo.operations import OPERATIONS, Given
from server.demo.problems import Problem, conflict, invalid
from server.demo.protection import ANYBODY, SCOPE_BY_METHOD, Caller, Protection
from server.demo.provider import definition
from server.demo.records import Records
from server.request_body import ClientGone, read_body

REQUESTS_PER_MIN = 1200
KEY_TTL_S = 24 * 3600
MAX_BODY_BYTES = 1_000_000


def build(
    *,
    api_key: str | None = None,
    oauth: OAuthSettings | None = None,
    faults: Faults | None = None,
    requests_per_min: int = REQUESTS_PER_MIN,
    kept: KeptGrants | None = None,
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """Return a demo CRM with fresh data, open unless `api_key` or `oauth` protects it. `kept`: where connected accounts are remembered.

    `app.state.grants` is what its authorization server remembers (None without `oauth`), for tests that look behind it.
    """
    records = Records(clock)
    grants = Grants(oauth, clock, faults or Faults(), kept) if oauth else None
    protection = Protection(api_key, grants, requests_per_min, clock)
    api = _Api(records, protection, clock)
    schemes = _schemes(api_key is not None, oauth is not None)

    async def openapi(request: Request) -> Response:
        base = str(request.base_url).rstrip("/")
        return JSONResponse(published(base, _located(schemes, base), SCOPE_BY_METHOD))

    async def provider(request: Request) -> Response:
        return JSONResponse(definition(str(request.base_url).rstrip("/")))

    routes = [Route("/openapi.json", openapi), Route("/healthz", _healthy)]
    if grants:
        routes += [Route("/provider.json", provider), *DemoOAuthEndpoints(grants, records).routes()]
    routes += [Route(contract.path, api.endpoint(contract), methods=[contract.method]) for contract in contracts()]
    app = Starlette(routes=routes, exception_handlers={Problem: _answer_problem, HTTPException: _answer_http})
    app.state.grants = grants
    return app


class _Api:
    def __init__(self, records: Records, protection: Protection, clock: Callable[[], float]) -> None:
        self._records, self._protection, self._clock = records, protection, clock
        #: (caller, idempotency key) -> (hash of the request, status, answer, when)
        self._answers: dict[tuple[str, str], tuple[str, int, Any, float]] = {}

    def endpoint(self, contract: Contract) -> Callable[[Request], Awaitable[Response]]:
        """Return the handler of one operation: admit, count, read by the contract, run."""

        async def handle(request: Request) -> Response:
            caller = ANYBODY if contract.is_open else self._protection.admit(request)
            headers = self._protection.count(caller) | {"x-request-id": _request_id(request)}
            try:
                status, answer = self._run(contract, request, caller, await _body_of(request))
            except Problem as problem:
                problem.headers = headers | problem.headers
                raise
            return Response(status_code=204, headers=headers) if answer is None else JSONResponse(answer, status, headers=headers)

        return handle

    def _run(self, contract: Contract, request: Request, caller: Caller, content: bytes) -> tuple[int, Any]:
        key = request.headers.get("idempotency-key") if contract.takes_key else None
        if key is None:
            return contract.success, self._operate(contract, request, caller, content)
        if not 1 <= len(key) <= 255:
            raise invalid(("Idempotency-Key", "must have 1 to 255 characters"))
        fingerprint = hashlib.sha256(f"{contract.method} {request.url.path}\n".encode() + content).hexdigest()
        before = self._answers.get((caller.key, key))
        if before and before[3] > self._clock() - KEY_TTL_S:
            if before[0] != fingerprint:
                raise conflict(f"Idempotency-Key {key!r} belongs to another request; use a new key")
            return before[1], before[2]
        # A copy: the row behind the answer lives on and changes, a repeated answer must not.
        answer = json.loads(json.dumps(self._operate(contract, request, caller, content)))
        self._answers[caller.key, key] = (fingerprint, contract.success, answer, self._clock())
        return contract.success, answer

    def _operate(self, contract: Contract, request: Request, caller: Caller, content: bytes) -> Any:
        query = contract.read_query(dict(request.query_params))
        body = contract.read_body(content)
        given = Given(self._records, request.path_params, query, body, caller.owner_id, self._clock())
        return OPERATIONS[contract.operation_id](given)


async def _body_of(request: Request) -> bytes:
    try:
        content = await read_body(request.receive, MAX_BODY_BYTES)
    except (TimeoutError, ClientGone) as error:
        raise Problem(408, "too_late", "the body did not come in time") from error
    if content is None:
        raise Problem(413, "too_large", f"the body has more than {MAX_BODY_BYTES} bytes")
    return content


async def _healthy(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _answer_problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    request_id = problem.headers.get("x-request-id") or _request_id(request)
    return JSONResponse(problem.body(request_id), problem.status, headers={"x-request-id": request_id} | problem.headers)


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "refused")
    problem = Problem(
        error.status_code, code, f"{request.method} {request.url.path}: {error.detail.lower()}", headers=dict(error.headers or {})
    )
    return await _answer_problem(request, problem)


def _request_id(request: Request) -> str:
    given = request.headers.get("x-request-id", "")
    return given if 0 < len(given) <= 128 and given.isascii() and given.isprintable() else f"req_{secrets.token_hex(8)}"


def _schemes(api_key: bool, oauth: bool) -> dict[str, Any]:
    schemes: dict[str, Any] = {}
    if api_key:
        schemes["api_key"] = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
    if oauth:
        flow = {"authorizationUrl": "/oauth/authorize", "tokenUrl": "/oauth/token", "refreshUrl": "/oauth/token", "scopes": dict(SCOPES)}
        schemes["oauth"] = {"type": "oauth2", "flows": {"authorizationCode": flow}}
    return schemes


def _located(schemes: dict[str, Any], base_url: str) -> dict[str, Any]:
    if "oauth" not in schemes:
        return schemes
    flow = schemes["oauth"]["flows"]["authorizationCode"]
    whole = {name: base_url + value if name.endswith("Url") else value for name, value in flow.items()}
    return schemes | {"oauth": {"type": "oauth2", "flows": {"authorizationCode": whole}}}
