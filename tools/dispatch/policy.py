"""What may run: whose scopes cover it, what waits for an operator, what asks the person first, and whether a call fits."""

from collections.abc import Mapping
from functools import lru_cache

from oauth.principal import Principal
from oauth.scopes import CONNECT, permitting
from oauth.tenants import Tenants
from tools.always_on import NAMES_ANOTHER, Asked
from tools.call_failures import nested, no_connection, takes_connection, too_long
from tools.catalog.catalog import Catalog
from tools.catalog.quarantine import Quarantine
from tools.catalog.suggestions import Suggestions
from tools.dispatch.arguments import Validators
from tools.expressions.selection import SelectFault, compile_select
from tools.operation import CallOptions, Failure, Json, Operation

MAX_TIMEOUT_S = 30.0
#: operations need few scopes, again and again
_permitting = lru_cache(maxsize=4_096)(permitting)


class Policy:
    """Decides from the token's scopes, the tenant's settings and what is quarantined; holds nothing else."""

    def __init__(self, tenants: Tenants, quarantine: Quarantine | None = None) -> None:
        self._tenants, self._quarantine = tenants, quarantine

    def missing_scopes(self, principal: Principal, operation: Operation) -> frozenset[str]:
        """Return the scopes that `principal` lacks to run `operation`; empty: it may."""
        granted, required = principal.scopes, operation.required_scope
        if CONNECT in granted and (required == CONNECT or not granted.isdisjoint(_permitting(required))):
            return frozenset()
        return frozenset({required, CONNECT}) - granted

    def refusal(self, principal: Principal, operation: Operation) -> Failure | None:
        """Return why `principal` may not run `operation`, or None."""
        missing = self.missing_scopes(principal, operation)
        if not missing:
            return None if operation.kind != "mcp" else self.block(principal, operation)
        named = " ".join(sorted(missing))
        return Failure(
            code="insufficient_scope",
            message=f"operation '{operation.id}' needs the scope '{named}', which this token lacks",
            hint="sign in again and allow it, or use an operation of a lower access tier",
            missing_scopes=missing,
        )

    def block(self, principal: Principal, operation: Operation) -> Failure | None:
        """Return why nobody of the tenant may run `operation` for now: it changed, or went, and no operator has looked."""
        return None if self._quarantine is None else self._quarantine.refusal(principal.tenant_id, operation)

    def gone(self, principal: Principal) -> frozenset[tuple[str | None, str]]:
        """Return the operations that their upstream no longer has, as (owner, id): nobody need find them."""
        return frozenset() if self._quarantine is None else self._quarantine.gone(principal.tenant_id)

    def needs_confirmation(self, principal: Principal, operation: Operation) -> bool:
        """Say whether the person must agree to this very call first: destructive ones, where the tenant says so.

        A tool that runs other operations is not asked about itself: each of those comes through the door on its own.
        """
        if operation.access != "destructive" or operation.reenters:
            return False
        tenant = self._tenants.get(principal.tenant_id)
        return tenant is None or tenant.confirm_destructive


class Admission:
    """Decides whether a call may run as it was asked for: known, permitted, valid, and not for too long."""

    def __init__(
        self, catalog: Catalog, policy: Policy, validators: Validators, suggestions: Suggestions, mcp_tool_timeout_s: float = MAX_TIMEOUT_S
    ) -> None:
        self._catalog, self._policy, self._validators, self._suggestions = catalog, policy, validators, suggestions
        self._mcp_tool_timeout_s = mcp_tool_timeout_s

    def asked(self, principal: Principal, name: str, arguments: Mapping[str, Json]) -> tuple[Asked, tuple[str, ...]] | None:
        """Return which operation a permitted and valid call of `name` names, and what its sender should know; None for any other.

        Such a tool does nothing but come through the door once more, so the door opens for what it names (0018). A faulty call is
        refused at the door, by the tool's own name.
        """
        operation = self._catalog.get(principal.tenant_id, name)
        if operation is None or self._policy.missing_scopes(principal, operation):
            return None
        found = self._validators.admit(operation, arguments)
        if isinstance(found, Failure):
            return None
        return (NAMES_ANOTHER[name](arguments), ()) if found is None else (NAMES_ANOTHER[name](found.arguments), found.notes)

    def admit(
        self, principal: Principal, operation_id: str, arguments: Mapping[str, Json], options: CallOptions, *, is_nested: bool
    ) -> tuple[Operation, Mapping[str, Json], tuple[str, ...], float] | Failure:
        """Return the operation, its arguments as they are sent, what their sender should know, and the seconds it may take; or why not."""
        operation = self._catalog.get(principal.tenant_id, operation_id)
        if operation is None:
            return self._suggestions.unknown(principal.tenant_id, operation_id)
        if is_nested and operation.reenters:
            return nested(operation)
        failure = self._policy.refusal(principal, operation)
        if failure is not None:
            return failure
        found = self._validators.admit(operation, arguments)
        if isinstance(found, Failure):
            return found
        arguments, notes = (arguments, ()) if found is None else found
        if options.account is not None and not takes_connection(operation):
            return no_connection(operation, options.account)
        if options.select is not None:
            try:
                compile_select(options.select)
            except SelectFault as fault:
                return fault.failure
        if options.timeout_s > MAX_TIMEOUT_S and (excess := self._too_long(operation, options)) is not None:
            return excess
        return operation, arguments, notes, self._seconds(operation, options)

    def _seconds(self, operation: Operation, options: CallOptions) -> float:
        if operation.reenters:
            return float(operation.binding.get("timeout_s", MAX_TIMEOUT_S))
        if operation.kind == "mcp" and options.timeout_s >= MAX_TIMEOUT_S:
            # Its runner ends what is silent for `timeout_s`; a tool that reports progress may go on.
            return max(self._mcp_tool_timeout_s, MAX_TIMEOUT_S)
        return max(0.1, min(options.timeout_s, MAX_TIMEOUT_S))

    def _too_long(self, operation: Operation, options: CallOptions) -> Failure | None:
        most_s = max(self._mcp_tool_timeout_s, MAX_TIMEOUT_S) if operation.kind == "mcp" else MAX_TIMEOUT_S
        return too_long(operation, options.timeout_s, most_s) if options.timeout_s > most_s else None
