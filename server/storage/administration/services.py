"""Keep machines that administer: ServiceStore on `service_principals`, TrustPolicyStore on `trust_policies`."""

from collections.abc import Sequence

from sqlalchemy import Table, delete, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from oauth.administration.errors import TooManyMachines
from oauth.administration.roles import Role
from oauth.clients.client import Client
from oauth.errors import AlreadyTaken
from oauth.services.machine import MAX_OF_A_TENANT
from oauth.services.service_principal import ServicePrincipal
from oauth.services.trust_policy import MAX_KEY_ADDRESSES, TrustPolicy
from server.storage.database import Database
from server.storage.oauth.clients import client_values
from server.storage.row_mapping import FACTS, TIME, WORDS, Conversion, RowMapping
from server.storage.schema.oauth_tables import oauth_clients
from server.storage.schema.service_tables import service_principals, trust_policies

_ROLE = Conversion(lambda role: role.title, Role.named)
SERVICES = RowMapping(ServicePrincipal, role=_ROLE, cidrs=WORDS, created_at=TIME, expires_at=TIME)
POLICIES = RowMapping(TrustPolicy, role=_ROLE, claims=FACTS, created_at=TIME)


class SqlServiceStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, service: ServicePrincipal, client: Client) -> None:
        try:
            async with self._database.write() as connection:
                await _must_have_room(connection, service_principals, service.tenant_id, "services")
                await connection.execute(insert(service_principals).values(SERVICES.values(service)))
                await connection.execute(insert(oauth_clients).values(client_values(client)))
        except IntegrityError as error:
            raise AlreadyTaken(service.name) from error

    async def of(self, machine_id: str) -> ServicePrincipal | None:
        query = select(service_principals).where(service_principals.c.machine_id == machine_id)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else SERVICES.record(row)

    async def all(self, tenant_id: str | None = None) -> Sequence[ServicePrincipal]:
        c = service_principals.c
        query = select(service_principals).order_by(c.tenant_id, c.name)
        async with self._database.read() as connection:
            rows = await connection.execute(query if tenant_id is None else query.where(c.tenant_id == tenant_id))
            return [SERVICES.record(row) for row in rows]

    async def remove(self, tenant_id: str, name: str) -> ServicePrincipal | None:
        c = service_principals.c
        gone = delete(service_principals).where(c.tenant_id == tenant_id, c.name == name).returning(*c)
        async with self._database.write() as connection:
            row = (await connection.execute(gone)).one_or_none()
        return None if row is None else SERVICES.record(row)


class SqlTrustPolicyStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, policy: TrustPolicy) -> None:
        try:
            async with self._database.write() as connection:
                await _must_have_room(connection, trust_policies, policy.tenant_id, "trust policies")
                await _must_be_few_addresses(connection, policy)
                await connection.execute(insert(trust_policies).values(POLICIES.values(policy)))
        except IntegrityError as error:
            raise AlreadyTaken(policy.name) from error

    async def of(self, machine_id: str) -> TrustPolicy | None:
        query = select(trust_policies).where(trust_policies.c.machine_id == machine_id)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else POLICIES.record(row)

    async def of_issuer(self, issuer: str, tenant_id: str | None) -> Sequence[TrustPolicy]:
        query = select(trust_policies).where(trust_policies.c.issuer == issuer)
        if tenant_id is not None:
            query = query.where(trust_policies.c.tenant_id == tenant_id)
        async with self._database.read() as connection:
            return [POLICIES.record(row) for row in await connection.execute(query)]

    async def all(self, tenant_id: str | None = None) -> Sequence[TrustPolicy]:
        c = trust_policies.c
        query = select(trust_policies).order_by(c.tenant_id, c.name)
        async with self._database.read() as connection:
            rows = await connection.execute(query if tenant_id is None else query.where(c.tenant_id == tenant_id))
            return [POLICIES.record(row) for row in rows]

    async def remove(self, tenant_id: str, name: str) -> TrustPolicy | None:
        c = trust_policies.c
        gone = delete(trust_policies).where(c.tenant_id == tenant_id, c.name == name).returning(*c)
        async with self._database.write() as connection:
            row = (await connection.execute(gone)).one_or_none()
        return None if row is None else POLICIES.record(row)


async def _must_have_room(connection: AsyncConnection, table: Table, tenant_id: str, what: str) -> None:
    """Raise TooManyMachines where a tenant has as many as it may."""
    count = await connection.scalar(select(func.count()).select_from(table).where(table.c.tenant_id == tenant_id))
    if int(count or 0) >= MAX_OF_A_TENANT:
        raise TooManyMachines(f"tenant {tenant_id!r} has {MAX_OF_A_TENANT} {what}, which are the most")


async def _must_be_few_addresses(connection: AsyncConnection, policy: TrustPolicy) -> None:
    """Raise TooManyMachines where one exchange would have to ask too many addresses for keys."""
    c = trust_policies.c
    others = select(c.jwks_uri).distinct().where(c.tenant_id == policy.tenant_id, c.issuer == policy.issuer, c.jwks_uri != policy.jwks_uri)
    if len((await connection.execute(others.limit(MAX_KEY_ADDRESSES))).all()) >= MAX_KEY_ADDRESSES:
        most = f"{MAX_KEY_ADDRESSES} addresses of this issuer's keys, which are the most"
        raise TooManyMachines(f"policies of tenant {policy.tenant_id!r} name {most}")
