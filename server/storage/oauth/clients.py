"""Keep clients: ClientStore on SQL."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Row, delete, select, update

from oauth.clients.client import Client, ClientKind
from server.storage.database import Database
from server.storage.insertion import insert_or_replace
from server.storage.row_mapping import Values, from_us, to_us
from server.storage.schema.oauth_tables import oauth_clients

#: names in one statement; stores take some 30,000
_IDS_AT_ONCE = 5_000


class SqlClientStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, client_id: str) -> Client | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(oauth_clients).where(oauth_clients.c.client_id == client_id))).first()
        return None if row is None else client_of(row)

    async def found(self, client_ids: Sequence[str]) -> Mapping[str, Client]:
        """Return those that there are, by their ids."""

        def read(connection: Connection) -> dict[str, Client]:
            some = (client_ids[start : start + _IDS_AT_ONCE] for start in range(0, len(client_ids), _IDS_AT_ONCE))
            queries = (select(oauth_clients).where(oauth_clients.c.client_id.in_(ids)) for ids in some)
            return {row.client_id: client_of(row) for query in queries for row in connection.execute(query)}

        return await self._database.look(read)

    async def save(self, client: Client) -> None:
        async with self._database.write() as connection:
            await insert_or_replace(connection, oauth_clients, client_values(client))

    async def used(self, client_id: str, at: float, expires_at: float | None) -> None:
        values = {"last_used_at": to_us(at), "expires_at": to_us(expires_at)}
        async with self._database.write() as connection:
            await connection.execute(update(oauth_clients).where(oauth_clients.c.client_id == client_id).values(values))

    async def remove(self, client_id: str) -> bool:
        async with self._database.write() as connection:
            return (await connection.execute(delete(oauth_clients).where(oauth_clients.c.client_id == client_id))).rowcount == 1

    async def all(self, kind: ClientKind | None = None) -> Sequence[Client]:
        statement = select(oauth_clients).order_by(oauth_clients.c.created_at.desc())
        if kind is not None:
            statement = statement.where(oauth_clients.c.kind == kind)
        async with self._database.read() as connection:
            return tuple(client_of(row) for row in (await connection.execute(statement)).all())

    async def page(
        self, *, tenant_id: str | None = None, kind: str | None = None, before: tuple[int, str] | None = None, limit: int = 50
    ) -> Sequence[Client]:
        """Return clients, newest first; `tenant_id`: those of it alone. `before`: time (microseconds) and id of the last one of a page."""
        c = oauth_clients.c
        query = select(oauth_clients).order_by(c.created_at.desc(), c.client_id).limit(limit)
        for column, wanted in ((c.tenant_id, tenant_id), (c.kind, kind)):
            if wanted is not None:
                query = query.where(column == wanted)
        if before is not None:
            query = query.where((c.created_at < before[0]) | ((c.created_at == before[0]) & (c.client_id > before[1])))
        async with self._database.read() as connection:
            return tuple(client_of(row) for row in (await connection.execute(query)).all())


#: members of a client that are kept together as JSON
_CLIENT_FIELDS = (
    "application_type",
    "scope",
    "jwks",
    "jwks_uri",
    "software_id",
    "software_version",
    "service_subject",
)


def client_values(client: Client) -> Values:
    kept: dict[str, object] = {name: getattr(client, name) for name in _CLIENT_FIELDS}
    kept |= {"redirect_uris": client.redirect_uris, "grant_types": sorted(client.grant_types), "links": client.links}
    kept["service_scopes"] = sorted(client.service_scopes)
    return {
        "client_id": client.client_id,
        "kind": client.kind,
        "tenant_id": client.tenant_id,
        "name": client.name,
        "metadata": orjson.dumps(kept).decode(),
        "auth_method": client.auth_method,
        "secret_hash": client.secret_hash,
        "registration_hash": client.registration_hash,
        "registered_from": client.registered_from,
        "document_hash": client.document_hash,
        "document_fetched_at": to_us(client.document_fetched_at),
        "document_fresh_until": to_us(client.document_fresh_until),
        "created_at": to_us(client.created_at),
        "last_used_at": to_us(client.last_used_at),
        "expires_at": to_us(client.expires_at),
        "disabled": client.disabled,
    }


def client_of(row: Row[Any]) -> Client:
    kept = orjson.loads(row.metadata)
    return Client(
        client_id=row.client_id,
        kind=row.kind,
        name=row.name,
        redirect_uris=tuple(kept["redirect_uris"]),
        created_at=row.created_at / 1_000_000,
        auth_method=row.auth_method,
        grant_types=frozenset(kept["grant_types"]),
        secret_hash=row.secret_hash,
        links=tuple((name, uri) for name, uri in kept["links"]),
        tenant_id=row.tenant_id,
        service_scopes=frozenset(kept["service_scopes"]),
        registration_hash=row.registration_hash,
        registered_from=row.registered_from,
        last_used_at=from_us(row.last_used_at),
        expires_at=from_us(row.expires_at),
        disabled=row.disabled,
        document_hash=row.document_hash,
        document_fetched_at=row.document_fetched_at / 1_000_000,
        document_fresh_until=row.document_fresh_until / 1_000_000,
        **{name: kept[name] for name in _CLIENT_FIELDS},
    )
