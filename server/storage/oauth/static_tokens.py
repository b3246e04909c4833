"""Keep static tokens: StaticTokenStore on SQL."""

from collections.abc import Mapping, Sequence

from sqlalchemy import and_, delete, select, update

from oauth.tokens.static_tokens import StaticToken
from server.storage.database import Database, announce
from server.storage.insertion import insert_rows
from server.storage.oauth.grants import token_here
from server.storage.row_mapping import SCOPES, TIME, RowMapping, to_us
from server.storage.schema.oauth_tables import static_tokens

_TOKENS = RowMapping(StaticToken, scopes=SCOPES, created_at=TIME, last_used_at=TIME)


class SqlStaticTokenStore:
    def __init__(self, database: Database, environment: str = "") -> None:
        self._database, self._environment = database, environment

    async def add(self, token: StaticToken) -> None:
        async with self._database.write() as connection:
            await insert_rows(connection, static_tokens, [{**_TOKENS.values(token), "environment": self._environment}])

    async def find(self, token_hash: bytes) -> StaticToken | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(static_tokens).where(token_here(static_tokens, token_hash, self._environment)))).first()
        return None if row is None else _TOKENS.record(row)

    async def of_tenant(self, tenant_id: str) -> Sequence[StaticToken]:
        statement = select(static_tokens).where(static_tokens.c.tenant_id == tenant_id).order_by(static_tokens.c.created_at.desc())
        async with self._database.read() as connection:
            return tuple(_TOKENS.record(row) for row in (await connection.execute(statement)).all())

    async def remove(self, tenant_id: str, token_id: str) -> StaticToken | None:
        its_row = and_(static_tokens.c.tenant_id == tenant_id, static_tokens.c.token_id == token_id)
        async with self._database.write() as connection:
            row = (await connection.execute(delete(static_tokens).where(its_row).returning(*static_tokens.c))).first()
            if row is None:
                return None
            await announce(connection, "tokens", tenant_id, f"token:{row.token_hash.hex()}")
        return _TOKENS.record(row)

    async def count(self, calls_by_hash: Mapping[bytes, int], at: float) -> None:
        async with self._database.write() as connection:
            for token_hash, calls in calls_by_hash.items():
                values = {"calls": static_tokens.c.calls + calls, "last_used_at": to_us(at)}
                await connection.execute(update(static_tokens).where(static_tokens.c.token_hash == token_hash).values(values))
