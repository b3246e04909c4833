"""What every machine that administers has: a name, a role, how far it reaches, and the scopes that come of the role."""

import re
from dataclasses import dataclass

from oauth.administration.errors import MachineRefused
from oauth.administration.roles import Role

_SCOPES = {Role.AUDITOR: "admin:read", Role.OPERATOR: "admin:write", Role.OWNER: "admin:owner"}
#: scopes of the administration, the least first
ADMIN_SCOPES = tuple(_SCOPES[role] for role in Role)
#: no token of a machine lives longer (operations contract, "Automation")
MAX_TOKEN_S = 900.0
#: service principals of a tenant, and trust policies of a tenant
MAX_OF_A_TENANT = 100
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """`machine_id` is its subject in tokens; `name` is unique within its tenant. Times are epoch seconds."""

    machine_id: str
    tenant_id: str
    name: str
    role: Role
    #: over every tenant; only of the default tenant
    reaches_gateway: bool
    created_at: float
    created_by: str

    @property
    def by(self) -> str:
        """How lists and the audit trail name it."""
        return f"service:{self.name}"


def check_name(name: str) -> str:
    """Return a name that a machine may have. Raises MachineRefused."""
    if _NAME.fullmatch(name) is None:
        raise MachineRefused(f"name: {name[:80]!r} is none; use 1 to 63 lower-case letters, digits and inner hyphens")
    return name


def scope_of(role: Role) -> str:
    """Return the scope that stands for a role."""
    return _SCOPES[role]


def scopes_of(role: Role) -> frozenset[str]:
    """Return the scopes that a role may ask for: its own, and those of the roles below."""
    return frozenset(_SCOPES[each] for each in Role if each <= role)


def role_of(scopes: frozenset[str]) -> Role | None:
    """Return the role that a token's scopes come to; None: no scope of the administration is among them."""
    return max((role for role, scope in _SCOPES.items() if scope in scopes), default=None)
