"""Operations of the catalogue as steps: through the door, as whoever the run acts for."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Protocol

from oauth.principal import Principal
from tools.errors import ToolError
from tools.large_json import LargeJson
from tools.operation import CallOptions, ClientInfo, Download, Failure, Json, Operation, Outcome
from tools.plans.preconditions import Confirm
from tools.workflows.consent import agreed_to, consent_digest, is_agreed, not_agreed
from tools.workflows.engine.records import Claim
from tools.workflows.errors import PermanentFault
from tools.workflows.stores import ActsFor
from tools.workflows.workflow import MAX_RESULT_BYTES

#: the door is told that no MCP client asks
WORKFLOW = ClientInfo("", name="workflow")

#: (tenant, whom the run acts for) -> the person with the scopes that both have now; None: the person may nothing any more
PrincipalOf = Callable[[str, ActsFor], Awaitable[Principal | None]]
#: who -> what makes the token that the door asks for, for a step that was agreed to beforehand
Agree = Callable[[Principal], Confirm]
#: (tenant, operation id) -> the operation as it is now
OperationOf = Callable[[str, str], Operation | None]


class Dispatch(Protocol):
    """The one door of `tools`."""

    async def call(
        self,
        principal: Principal,
        name: str,
        arguments: Mapping[str, Json],
        *,
        client: ClientInfo,
        trace_id: str | None = ...,
        options: CallOptions = ...,
    ) -> Outcome: ...


class RunCalls:
    """What `Run.call` and `Run.ask` do, once."""

    def __init__(self, door: Callable[[], Dispatch], principal_of: PrincipalOf, agree: Agree, operation_of: OperationOf) -> None:
        self._door, self._principal_of, self._agree, self._operation_of = door, principal_of, agree, operation_of

    async def ask(self, claim: Claim, operation: str, arguments: Mapping[str, Json]) -> Outcome:
        """Return the outcome whole. Raises ToolError: its failure says whether to try again."""
        return await self._asked(claim, operation, arguments, CallOptions())

    async def call(self, claim: Claim, operation: str, arguments: Mapping[str, Json], options: CallOptions, key: str) -> Json:
        """Return the data of the outcome. Raises as `ask` does."""
        data = (await self._asked(claim, operation, arguments, replace(options, max_chars=None, idempotency_key=key))).data
        if isinstance(data, LargeJson | Download):
            message = f"the answer of '{operation}' is a file or larger than the {MAX_RESULT_BYTES:,} bytes that are kept"
            raise PermanentFault(Failure("too_large", message, hint="select less of it"))
        return data

    async def _asked(self, claim: Claim, operation: str, arguments: Mapping[str, Json], options: CallOptions) -> Outcome:
        principal = None if claim.acts_for is None else await self._principal_of(claim.tenant_id, claim.acts_for)
        if principal is None:
            raise ToolError(_nobody(claim, operation))
        if is_agreed(options.confirm):
            options = replace(options, confirm=self._token(principal, operation, arguments, options))
        trace_id = claim.trace_id or None
        outcome = await self._door().call(principal, operation, arguments, client=WORKFLOW, trace_id=trace_id, options=options)
        if outcome.status != "ok":
            raise ToolError(_failure(outcome))
        return outcome

    def _token(self, principal: Principal, operation: str, arguments: Mapping[str, Json], options: CallOptions) -> str | None:
        """Return what the door asks for. Raises ToolError where the operation is not what was agreed to, after hours of trying perhaps."""
        found = self._operation_of(principal.tenant_id, operation)
        if found is None or found.access != "destructive":
            return None
        if agreed_to(consent_digest(found)) != options.confirm:
            raise ToolError(not_agreed(operation))
        return self._agree(principal)(operation, options.account, arguments, options.idempotency_key)


def _nobody(claim: Claim, operation: str) -> Failure:
    if claim.acts_for is None:
        return Failure("insufficient_scope", f"this run acts for nobody, and '{operation}' is somebody's call", hint="start it as a person")
    message = f"the person whom this run acts for may not call anything any more: '{operation}' was not called"
    return Failure("insufficient_scope", message, hint="enable the account, or start the run anew as somebody else")


def _failure(outcome: Outcome) -> Failure:
    if outcome.error is not None:
        return outcome.error
    if outcome.connection is not None:
        return Failure(
            "needs_connection", outcome.connection.message, hint=f"connect an account of {outcome.connection.provider}, then resume the run"
        )
    if outcome.confirmation is not None:
        return Failure(
            "needs_confirmation", outcome.confirmation.message, hint="a run asks nobody: call it with call_api, or have it left out"
        )
    return Failure("internal_error", outcome.note or f"the call ended with {outcome.status}")
