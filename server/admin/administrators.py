"""Who administers: a living administrator of one tenant, with an access token for the administration and nothing else."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request

from oauth.administration.roles import AdminRole, Role
from oauth.administration.stores import AdminRoleStore
from oauth.principal import Principal
from oauth.scopes import ADMIN
from oauth.sign_in.stores import SubjectStore
from oauth.tenants import DEFAULT_TENANT, Tenants
from oauth.tokens.access_tokens import AccessTokens
from server.admin.refusals import AdminRefused, forbidden, unauthenticated


@dataclass(frozen=True, slots=True, kw_only=True)
class Administrator:
    """Who asks, however they proved it. `by` is how versions and lists name them; `subject` is their id."""

    tenant_id: str
    subject: str
    by: str
    role: Role = Role.OWNER
    #: over every tenant; otherwise over their own alone
    reaches_gateway: bool = False
    #: when they last proved who they are, epoch seconds; None: a machine, whose key proves it each time
    proven_at: float | None = None

    def must_reach_gateway(self, what: str) -> None:
        """Raise AdminRefused for whoever administers one tenant only."""
        if not self.reaches_gateway:
            raise forbidden(f"{what} is the operator's", "an administrator of the default tenant may")

    def must_be(self, least: Role, what: str) -> None:
        """Raise AdminRefused for a role below `least`."""
        if self.role < least:
            raise forbidden(f"{what} takes the role {least.title}; yours is {self.role.title}", "an owner can give it", least)

    def reaches(self, tenant_id: str) -> bool:
        """Say whether things of a tenant may be shown; whoever may not see one is told that there is none."""
        return self.reaches_gateway or tenant_id == self.tenant_id

    def reaches_upkeep(self, tenant_id: str) -> bool:
        """Say it of what the default tenant has for the whole gateway: jobs that report on every tenant, and what operators changed."""
        return self.reaches_gateway or (tenant_id == self.tenant_id and tenant_id != DEFAULT_TENANT)

    def reach(self, asked: str | None) -> str | None:
        """Return of which tenant rows may be shown; None: of all. `asked`: the tenant that was asked for. Raises AdminRefused."""
        if self.reaches_gateway or asked == self.tenant_id:
            return asked
        if asked is not None:
            raise forbidden("an administrator sees their own tenant only")
        return self.tenant_id


class Administrators:
    """Turns the Authorization header into an Administrator. No other credential opens the administration (AI gateway contract, "Admin")."""

    def __init__(
        self,
        access_tokens: AccessTokens,
        subjects: SubjectStore,
        roles: AdminRoleStore,
        tenants: Tenants,
        resource_of: Callable[[str], str],
        machine: Callable[[Principal, Request], Awaitable["Administrator"]] | None = None,
    ) -> None:
        """`resource_of`: the resource of a tenant's administration (RFC 8707). machine: whose a token without the scope ADMIN is."""
        self._access_tokens, self._subjects, self._roles = access_tokens, subjects, roles
        self._tenants, self._resource_of, self._machine = tenants, resource_of, machine

    async def of(self, request: Request) -> Administrator:
        """Return who administers. Raises AdminRefused."""
        sent = request.headers.getlist("authorization")
        # RFC 6750 §2: MUST NOT use more than one method; the check and the log could see different tokens.
        if len(sent) > 1:
            raise AdminRefused(400, "invalid_request", "send the access token once, in the Authorization header")
        scheme, _, token = (sent[0] if sent else "").strip().partition(" ")
        if scheme.lower() != "bearer":
            raise unauthenticated(was_sent=False)
        verified = await self._access_tokens.verify(token.strip())
        # RFC 8707 §2: for this resource and no other. What is minted on the machine has it, and machines that administer; no
        # application can ask for one.
        if verified is None or verified.resource != self._resource_of(verified.principal.tenant_id):
            raise unauthenticated(was_sent=True)
        principal = verified.principal
        tenant = self._tenants.get(principal.tenant_id)
        if tenant is None or tenant.suspended:
            raise unauthenticated(was_sent=True)
        # Of a person only what is minted on the machine has this scope, and no machine's token has it.
        if ADMIN not in principal.scopes and self._machine is not None:
            return await self._machine(principal, request)
        # Read anew each time: who is no administrator any more, or disabled, is out at once.
        subject = await self._subjects.get(principal.tenant_id, principal.subject)
        if subject is None or subject.disabled or ADMIN not in principal.scopes:
            raise unauthenticated(was_sent=True)
        role = await self._roles.of(principal.tenant_id, principal.subject)
        if role is None:
            raise forbidden("the token's user is no administrator", "`ascend admin role EMAIL owner --tenant T` makes them one")
        return administrator_of_role(role, subject.email)


def administrator_of_role(role: AdminRole, email: str, proven_at: float | None = None) -> Administrator:
    """Return who has the role, as nouns and faces know them."""
    return Administrator(
        tenant_id=role.tenant_id,
        subject=role.subject_id,
        by=email,
        role=role.role,
        reaches_gateway=role.reaches_gateway,
        proven_at=proven_at,
    )
