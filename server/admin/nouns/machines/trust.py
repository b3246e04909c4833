"""Trust: which workloads of a platform may administer, by what the platform signs about them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from oauth.administration.errors import MachineRefused
from oauth.administration.roles import Role
from oauth.services.stores import TrustPolicyStore
from oauth.services.trust_policy import TrustPolicy, new_policy
from oauth.tokens.revocation import Revocation
from server.admin.administrators import Administrator
from server.admin.lists.cursors import page_of
from server.admin.nouns.machines.machine import changes, refused_as_fields, refused_by_store, whose, within_reach
from server.admin.refusals import not_found
from server.admin.resource import Column, Done, Field, ListQuery, Resource, Row, Rows
from server.storage.oauth.tenants import SqlTenantStore


@dataclass(frozen=True, slots=True)
class Trust:
    """`audience_of`: tenant -> what a platform's token is for where a policy says nothing else."""

    store: TrustPolicyStore
    tenants: SqlTenantStore
    revocation: Revocation
    audience_of: Callable[[str], str]

    def resource(self) -> Resource:
        return Resource(
            name="trust",
            title="Trust",
            about="Workloads of platforms that may administer: a policy compares claims whole, and each statement counts once.",
            columns=(
                Column(name="name", title="Policy"),
                Column(name="tenant", title="Tenant", link="tenants"),
                Column(name="role", title="Role", kind="state"),
                Column(name="reach", title="Reach"),
                Column(name="issuer", title="Issuer"),
                Column(name="claims", title="Claims"),
                Column(name="id", title="Id", link="trust"),
            ),
            facts=(
                Column(name="audience", title="Audience"),
                Column(name="jwks_uri", title="Keys at"),
                Column(name="created", title="Added", kind="time"),
                Column(name="created_by", title="By"),
            ),
            rows=self.rows,
            is_read_whole=True,
            one=self.one,
            changes=changes(self.add, "Add a policy", _fields(), self.end, "End it and its tokens now?"),
            when_empty="No policies yet; `ascend trust add NAME` adds one.",
        )

    async def rows(self, _administrator: Administrator, query: ListQuery) -> Rows:
        return page_of([policy_row(each) for each in await self.store.all(query.tenant_id)], query, "id")

    async def one(self, administrator: Administrator, key: str) -> Row | None:
        found = await within_reach(self.store, administrator, key)
        return None if found is None else policy_row(found)

    async def add(self, administrator: Administrator, _key: str, values: Mapping[str, str]) -> Done:
        tenant_id, reaches_gateway = await whose(administrator, values, self.tenants)
        with refused_as_fields():
            policy = new_policy(
                values["name"],
                tenant_id=tenant_id,
                role=Role.named(values["role"]),
                reaches_gateway=reaches_gateway,
                issuer=values["issuer"],
                jwks_uri=values["jwks_uri"],
                audience=values.get("audience") or self.audience_of(tenant_id),
                claims=claims_of(values["claims"].split()),
                by=administrator.by,
            )
            await add_policy(self.store, policy)
        return Done(f"workloads of {policy.name} may administer as {policy.role.title}", policy_row(policy))

    async def end(self, administrator: Administrator, key: str, _values: Mapping[str, str]) -> Done:
        found = await within_reach(self.store, administrator, key)
        if found is None:
            raise not_found(f"no trust policy {key[:80]!r}", "`ascend trust list` shows all")
        await end_policy(self.store, self.revocation, found.tenant_id, found.name)
        return Done(f"the policy {found.name} has ended, and its tokens with it")


def _fields() -> tuple[Field, ...]:
    return (
        Field(name="issuer", title="Issuer", max_chars=512, hint="As https://token.actions.githubusercontent.com."),
        Field(name="jwks_uri", title="Address of its keys", max_chars=512),
        Field(name="audience", title="Audience", is_required=False, max_chars=500, hint="Else how the tenant's administration is named."),
        Field(name="claims", title="Claims", max_chars=5_000, hint="As repository_id=1234 repository_owner_id=5 ref=refs/heads/main."),
    )


def claims_of(pairs: list[str] | tuple[str, ...]) -> dict[str, str]:
    """Return claims that are written `name=value`. Raises MachineRefused."""
    claims: dict[str, str] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name or name in claims:
            raise MachineRefused(f"claims: {pair[:80]!r} is no name=value, or its name came before")
        claims[name] = value
    return claims


async def add_policy(store: TrustPolicyStore, policy: TrustPolicy) -> None:
    """Add a trust policy. Raises AdminRefused."""
    with refused_by_store("policy", policy.tenant_id, policy.name):
        await store.add(policy)


async def end_policy(store: TrustPolicyStore, revocation: Revocation, tenant_id: str, name: str) -> TrustPolicy:
    """Forget a trust policy and end its tokens. Raises AdminRefused."""
    found = await store.remove(tenant_id, name)
    if found is None:
        raise not_found(f"no trust policy {name[:80]!r} in tenant {tenant_id!r}", "`ascend trust list` shows all")
    await revocation.revoke_client(found.machine_id, "trust_ended")
    return found


def policy_row(policy: TrustPolicy) -> Row:
    """Return a trust policy as lists show it."""
    return {
        "id": policy.machine_id,
        "name": policy.name,
        "tenant": policy.tenant_id,
        "role": policy.role.title,
        "reach": "gateway" if policy.reaches_gateway else policy.tenant_id,
        "issuer": policy.issuer,
        "claims": " ".join(f"{name}={value}" for name, value in sorted(policy.claims.items())),
        "audience": policy.audience,
        "jwks_uri": policy.jwks_uri,
        "created": round(policy.created_at * 1_000_000),
        "created_by": policy.created_by,
    }
