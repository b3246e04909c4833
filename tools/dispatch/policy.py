"""Who may call what: scopes, which operations wait for an operator, and which ask the person first."""

from oauth.principal import Principal
from oauth.scopes import CONNECT, permits
from oauth.tenants import Tenants
from tools.catalog.quarantine import Quarantine
from tools.operation import Failure, Operation, reenters


class Policy:
    """Decides from the token's scopes, the tenant's settings and what is quarantined; holds nothing else."""

    def __init__(self, tenants: Tenants, quarantine: Quarantine | None = None) -> None:
        self._tenants, self._quarantine = tenants, quarantine

    def missing_scopes(self, principal: Principal, operation: Operation) -> frozenset[str]:
        """Return the scopes that `principal` lacks to run `operation`; empty: it may."""
        granted = principal.scopes
        required = operation.required_scope
        if required == CONNECT:
            return frozenset() if CONNECT in granted else frozenset({CONNECT})
        if CONNECT in granted and permits(granted, required):
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
        if operation.access != "destructive" or reenters(operation):
            return False
        tenant = self._tenants.get(principal.tenant_id)
        return tenant is None or tenant.confirm_destructive
