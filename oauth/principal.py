"""Who is calling."""

from dataclasses import dataclass
from typing import Literal

AuthMethod = Literal["access_token", "static_token", "local"]


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller: a subject of one tenant, through one client, within what a grant allows.

    Everything that reaches a tenant's row, secret or operation takes one as its first argument.
    """

    tenant_id: str
    subject: str
    client_id: str
    scopes: frozenset[str]
    grant_id: str
    auth_method: AuthMethod = "access_token"

    @property
    def person(self) -> tuple[str, str]:
        """Whom shares and quotas count: (tenant, subject), whichever client they use."""
        return (self.tenant_id, self.subject)
