"""Run operations that came from OpenAPI documents: arguments -> HTTP request -> outcome."""

import hashlib
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Protocol
from urllib.parse import quote

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from oauth.connections.credentials import Credential, Credentials
from oauth.connections.errors import UnknownConnection
from oauth.principal import Principal
from tools.effects import told
from tools.egress.client import MAX_BODY_BYTES, MAX_TIMEOUT_S, OutboundRequest, OutboundResponse
from tools.egress.sigv4 import sign, signature_of
from tools.errors import EgressRefused, InvalidArguments, UpstreamFailed
from tools.heavy_json.weight import MAX_WEIGHT, is_heavy_content
from tools.operation import Call, Failure, Json, Operation, Outcome
from tools.sources.credential_redaction import STEP_BYTES, Redaction
from tools.sources.http.addresses import connection_base, next_page_url, with_secret
from tools.sources.http.base_urls import Upstreams
from tools.sources.http.credentials import MASK, NO_AUTH_PARAMETERS, AuthParameters, auth_parameters_of, masked
from tools.sources.http.failover import Failover
from tools.sources.http.given_files import File, file_of, shown_files
from tools.sources.http.large_requests import LargeRequests
from tools.sources.http.large_response import large_outcome
from tools.sources.http.outcome import outcome_of
from tools.sources.http.parameter_styles import UnfitArgument
from tools.sources.http.request_plan import RequestPlan, random_boundary, takes_long
from tools.sources.http.shown_body import shown_body, shown_header
from tools.stores import ResultStore

MAX_PLANS = 50_000
#: stands in for what is signed at the last moment (sigv4.py)
MASKED_SIGNATURE = AuthParameters(headers=[("X-Amz-Date", MASK), ("Authorization", f"AWS4-HMAC-SHA256 {MASK}")])


class SendsRequests(Protocol):
    """The way out, as far as a runner needs it."""

    async def send(self, request: OutboundRequest) -> OutboundResponse: ...


NO_FILES: Mapping[str, list[File]] = {}


class OpenApiRunner:
    """Runs operations of kind `openapi`. A request plan is compiled at an operation's first use and kept while it is unchanged."""

    keeps_time = True

    def __init__(
        self,
        egress: SendsRequests,
        credentials: Credentials,
        results: ResultStore | None = None,
        upstreams: Upstreams | None = None,
        *,
        max_body_bytes: int = MAX_BODY_BYTES,
        clock: Callable[[], float] = time.time,
        boundary: Callable[[], str] = random_boundary,
    ) -> None:
        self._egress, self._credentials, self._results = egress, credentials, results
        self._failover = Failover(upstreams or Upstreams())
        self._max_body_bytes, self._clock, self._boundary = max_body_bytes, clock, boundary
        self._large = LargeRequests()
        #: content hash of an operation -> its plan
        self._plans: dict[str, RequestPlan] = {}

    def run(self, call: Call) -> Awaitable[Outcome]:
        """Send the one request of `call` and return what came of it. Raises ConnectionNeeded and UnknownConnection."""
        plan = self._plan(call.operation)
        return self._failover.run(call, self._run) if plan.has_several_places else self._run(call, plan)

    async def _run(self, call: Call, plan: RequestPlan | None = None) -> Outcome:
        operation = call.operation
        plan = plan or self._plan(operation)
        redaction: Redaction | None = None
        try:
            files = await self._files(plan, call) if plan.file_arguments else NO_FILES
            credential = await self._credential(call) if operation.connection is not None or plan.may_be_anonymous else None
            redaction = None if credential is None else Redaction((credential,))
            response = await self._send(call, plan, files, credential, redaction)
            if response.status == 401 and credential is not None:
                # Rejected before anything happened: a credential that was refreshed meanwhile may go out once.
                newer = await self._credentials.rejected(call.principal, _provider(operation), credential)
                if newer is not None:
                    redaction = Redaction((newer, credential))
                    credential = newer
                    response = await self._send(call, plan, files, newer, redaction)
        except UnfitArgument as error:
            return Outcome("error", error=_unfit(error))
        except (EgressRefused, UpstreamFailed) as error:
            failure = error.failure if redaction is None else redaction.failure(error.failure)
            return told(operation, Outcome("error", error=failure))
        if redaction is not None:
            response = await _redacted(response, redaction)
        # What is short never is heavy, and need not be looked at.
        if len(response.body) > MAX_WEIGHT and _is_heavy(response):
            outcome = await large_outcome(call, response)
        else:
            outcome = outcome_of(operation, credential, response, plan.response_headers, now=self._clock())
        if outcome.error is not None:
            outcome = told(operation, outcome)
        if files is not NO_FILES:
            outcome = _noted(outcome, files)
        return outcome if redaction is None else redaction.noted(outcome)

    async def preview(self, call: Call) -> Json:
        """Return the request that `run` would send; credentials and files stand there as placeholders.

        Raises InvalidArguments and UnknownConnection.
        """
        operation = call.operation
        plan = self._plan(operation)
        owner = self._account_owner(call)
        try:
            files = {argument: shown_files(argument, call.arguments[argument]) for argument in _given_files(plan, call)}
            proofs = NO_AUTH_PARAMETERS if owner is None else self._shown_proofs(call, owner)
            build = partial(plan.build, call.arguments, files, proofs)
            built = await self._large.write(build, call) if takes_long(call.arguments) else build()
        except UnfitArgument as error:
            raise InvalidArguments(_unfit(error)) from error
        shown: dict[str, Json] = {
            "method": built.method,
            "url": built.url.replace(quote(MASK, safe=""), MASK),
            "headers": {name: shown_header(name, value) for name, value in [*built.headers, *_idempotency_headers(plan, call)]},
        }
        if built.body is not None:
            shown["body"] = shown_body(built)
        if owner is not None:
            shown["credential"] = f"of the connected account of {owner}"
        return shown

    def _plan(self, operation: Operation) -> RequestPlan:
        plan = self._plans.get(operation.content_hash)
        if plan is None:
            if len(self._plans) >= MAX_PLANS:
                self._plans.clear()
            plan = self._plans[operation.content_hash] = RequestPlan(operation.binding, self._boundary, operation.input_schema)
        return plan

    def _shown_proofs(self, call: Call, owner: str) -> AuthParameters:
        """Return what the account that the call would use adds, with its secret masked. Raises UnknownConnection."""
        account = _account(call)
        readiness = self._credentials.readiness(call.principal, owner, call.operation.connection_scopes)
        if account is not None and readiness.accounts and readiness.id_of(account) is None:
            raise UnknownConnection(account, readiness.accounts)
        kind = readiness.kind_of(account)
        return MASKED_SIGNATURE if kind == "sigv4" else auth_parameters_of(call.operation.binding, masked(call.operation.binding, kind))

    def _account_owner(self, call: Call) -> str | None:
        """Return the provider whose account the call would use, None where it goes out without one."""
        operation = call.operation
        if operation.connection is not None or not operation.binding.get("optional_security"):
            return operation.connection
        # Anonymous calls are allowed: an account is used where there is one, and asked for only by name.
        is_ready = self._credentials.readiness(call.principal, operation.provider, frozenset()).status == "ready"
        return operation.provider if is_ready or call.options.account is not None else None

    async def _credential(self, call: Call) -> Credential | None:
        owner = self._account_owner(call)
        if owner is None:
            return None
        return await self._credentials.for_call(call.principal, owner, call.operation.connection_scopes, _account(call))

    async def _send(
        self,
        call: Call,
        plan: RequestPlan,
        files: Mapping[str, list[File]],
        credential: Credential | None,
        redaction: Redaction | None,
    ) -> OutboundResponse:
        proofs, base_url, signer = NO_AUTH_PARAMETERS, None, None
        if credential is not None:
            base_url = connection_base(plan.base_url, credential)
            if credential.kind == "sigv4":
                signer = credential
            else:
                proofs = auth_parameters_of(call.operation.binding, credential)
                if redaction is not None and proofs.headers and (proof := proofs.headers[0][1]).startswith("Basic "):
                    redaction.add(proof[6:].rstrip("="))
        arguments = call.arguments
        if call.directions.restore is not None and credential is not None:
            arguments = with_secret(arguments, call.directions.restore, credential)
        build = partial(plan.build, arguments, files, proofs, base_url)
        built = await self._large.write(build, call) if takes_long(arguments) else build()
        url, headers = built.url, built.headers
        if call.directions.follow is not None:
            url = next_page_url(call.directions.follow, url, proofs, credential)
        if plan.idempotency_header is not None:
            headers += _idempotency_headers(plan, call)
        if call.directions.if_none_match is not None:
            headers.append(("If-None-Match", call.directions.if_none_match))
        if signer is not None:  # Last: the signature covers everything above.
            headers = sign(signer, built.method, url, headers, built.body, self._clock())
            if redaction is not None:
                redaction.add(signature_of(headers))
        began = time.monotonic()
        timeout_s = max(0.05, min(MAX_TIMEOUT_S, call.options.timeout_s, call.deadline - began))
        request = OutboundRequest(
            method=built.method,
            url=url,
            headers=headers,
            body=built.body,
            timeout_s=timeout_s,
            max_body_bytes=self._max_body_bytes,
            holder=call.principal.person,
        )
        try:
            response = await self._egress.send(request)
            call.upstream.status = response.status
            return response
        finally:
            call.upstream.ms += (time.monotonic() - began) * 1_000

    async def _files(self, plan: RequestPlan, call: Call) -> dict[str, list[File]]:
        found: dict[str, list[File]] = {}
        for argument in _given_files(plan, call):
            value = call.arguments[argument]
            found[argument] = [await self._file(call.principal, argument, one) for one in (value if isinstance(value, list) else [value])]
        return found

    async def _file(self, principal: Principal, argument: str, value: Json) -> File:
        file = file_of(argument, value)
        if isinstance(file, File):
            return file
        kept = await self._results.get(principal, file) if self._results is not None else None
        if kept is None:
            raise UnfitArgument(argument, f"no result is kept under the handle {file[:80]!r}; handles last 30 minutes")
        body, media_type = kept
        named = value if isinstance(value, Mapping) else {}
        return File(body, str(named.get("media_type") or media_type), str(named.get("filename") or "file"))


async def _redacted(response: OutboundResponse, redaction: Redaction) -> OutboundResponse:
    """Return an answer without our secrets, which some upstreams repeat in it: the one door for everything that is read of it."""
    body, headers = response.body, response.headers
    body = redaction.body(body) if len(body) <= STEP_BYTES else await redaction.body_in_turns(body)
    if redaction.holds("\n".join((response.url, *headers, *headers.values())).encode(errors="replace")):
        headers = CIMultiDictProxy(CIMultiDict((redaction.text(name), redaction.text(value)) for name, value in headers.items()))
    elif body is response.body:
        return response
    return replace(response, body=body, url=redaction.text(response.url), headers=headers)


def _is_heavy(response: OutboundResponse) -> bool:
    return 200 <= response.status < 300 and is_heavy_content(response.body, response.headers.get("content-type", "")[:200])


def _account(call: Call) -> str | None:
    return call.directions.account_id or call.options.account


def _provider(operation: Operation) -> str:
    return operation.connection or operation.provider


def _idempotency_headers(plan: RequestPlan, call: Call) -> list[tuple[str, str]]:
    """Return the header with the call's key, where the operation takes one and the arguments do not give it.

    What goes out is the key of this subject alone, as a UUID: many subjects may share one account of the upstream, and one's key
    must never be answered with what another one wrote.
    """
    key = call.options.idempotency_key
    if plan.idempotency_header is None or not key or plan.idempotency_header[0] in call.arguments:
        return []
    owned = orjson.dumps([call.principal.tenant_id, call.principal.subject, key])
    return [(plan.idempotency_header[1], str(uuid.UUID(bytes=hashlib.sha256(owned).digest()[:16])))]


def _given_files(plan: RequestPlan, call: Call) -> list[str]:
    return plan.body.files_in(call.arguments) if plan.body else []


def _noted(outcome: Outcome, files: Mapping[str, list[File]]) -> Outcome:
    """Return `outcome` with what its caller should know of how the files were read."""
    notes = [file.note for given in files.values() for file in given if file.note]
    return replace(outcome, note="; ".join([*([outcome.note] if outcome.note else []), *notes])) if notes else outcome


def _unfit(error: UnfitArgument) -> Failure:
    return Failure(
        code="invalid_arguments",
        message=f"arguments.{error.argument}: {error}",
        faults=({"path": f"arguments.{error.argument}", "rule": str(error)},),
    )
