"""Who is calling."""

from dataclasses import dataclass, field
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
    #: whom shares and quotas count: (tenant, subject), whichever client they use
    person: tuple[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "person", (self.tenant_id, self.subject))
