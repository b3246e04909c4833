"""Applications at providers in SQL. Table: provider_registrations."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, insert, select

from oauth.connections.upstream.registrations import UpstreamRegistration, from_text, to_text
from server.storage.database import Database, announce, now_us
from server.storage.oauth.connections import TOPIC
from server.storage.schema.connection_tables import provider_registrations

#: the change feed's item for any change of a registration
ITEM = "registration"


class SqlRegistrationStore:
    """Keeps `oauth.connections.upstream.registrations.RegistrationStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Sequence[UpstreamRegistration]:
        async with self._database.read() as connection:
            rows = (await connection.execute(select(provider_registrations))).all()
        return [from_text(row.tenant_id, row.provider, row.client_id, row.definition) for row in rows]

    async def put(self, registration: UpstreamRegistration) -> None:
        mine = _mine(registration.tenant_id, registration.provider)
        async with self._database.write() as connection:
            await connection.execute(delete(provider_registrations).where(*mine))
            await connection.execute(
                insert(provider_registrations).values(
                    tenant_id=registration.tenant_id,
                    provider=registration.provider,
                    client_id=registration.client_id,
                    definition=to_text(registration),
                    created_at=now_us(),
                )
            )
            await announce(connection, TOPIC, registration.tenant_id, ITEM)

    async def remove(self, tenant_id: str, provider: str) -> bool:
        async with self._database.write() as connection:
            gone = await connection.execute(delete(provider_registrations).where(*_mine(tenant_id, provider)))
            await announce(connection, TOPIC, tenant_id, ITEM)
            return gone.rowcount == 1


def _mine(tenant_id: str, provider: str) -> tuple[ColumnElement[bool], ...]:
    return provider_registrations.c.tenant_id == tenant_id, provider_registrations.c.provider == provider
