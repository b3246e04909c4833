"""Connect flows in SQL. Table: connect_flows."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, select, update

from oauth.connections.connecting.connect_flow import AuthorizationAttempt, ConnectFlow, FlowState, scopes_text
from oauth.quotas import OAuthQuotas
from server.storage.database import Database
from server.storage.quota import keep_newest
from server.storage.row_removal import remove_rows
from server.storage.schema.connection_tables import connect_flows

#: what remains of a trip says whose it was: the page at its end may be loaded again
_NO_SECRETS = {"trip": None, "trip_dek_id": None}


class SqlConnectFlowStore:
    """Keeps `oauth.connections.connecting.connect_flow.ConnectFlowStore`."""

    def __init__(self, database: Database, quotas: OAuthQuotas = OAuthQuotas()) -> None:
        self._database, self._quotas = database, quotas

    async def add(self, flow: ConnectFlow) -> None:
        values = {name: getattr(flow, name) for name in ConnectFlow.__slots__}
        values |= {"scopes": scopes_text(flow.scopes), "created_at": int(flow.created_at * 1e6), "expires_at": int(flow.expires_at * 1e6)}
        async with self._database.write() as connection:
            await connection.execute(insert(connect_flows).values(**values))
            of_tenant = connect_flows.c.tenant_id == flow.tenant_id
            await keep_newest(connection, connect_flows, connect_flows.c.subject, self._quotas.connect_flows, of_tenant)

    async def get(self, flow_hash: str) -> ConnectFlow | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(connect_flows).where(connect_flows.c.flow_hash == flow_hash))).first()
        return None if row is None else _flow(row)

    async def done(self, tenant_id: str, subject: str, client_id: str, provider: str, since: float) -> Sequence[ConnectFlow]:
        mine = [connect_flows.c.tenant_id == tenant_id, connect_flows.c.subject == subject, connect_flows.c.client_id == client_id]
        mine += [connect_flows.c.provider == provider, connect_flows.c.state == "done", connect_flows.c.created_at >= int(since * 1e6)]
        async with self._database.read() as connection:
            rows = await connection.execute(select(connect_flows).where(*mine).order_by(connect_flows.c.created_at.desc()))
            return [_flow(row) for row in rows]

    async def start(self, flow_hash: str, trip: AuthorizationAttempt, expires_at: float) -> bool:
        open_flow = (connect_flows.c.flow_hash == flow_hash) & connect_flows.c.state.in_(("new", "started"))
        begun = {"trip_hash": trip.trip_hash, "trip": trip.sealed, "trip_dek_id": trip.dek_id, "browser": trip.browser}
        async with self._database.write() as connection:
            changed = await connection.execute(
                update(connect_flows).where(open_flow).values(state="started", expires_at=int(expires_at * 1e6), **begun)
            )
            return changed.rowcount == 1

    async def take(self, trip_hash: str) -> tuple[ConnectFlow, AuthorizationAttempt] | None:
        mine = (connect_flows.c.trip_hash == trip_hash) & connect_flows.c.trip.is_not(None)
        async with self._database.read() as connection:
            if (await connection.execute(select(connect_flows.c.flow_hash).where(mine))).first() is None:
                return None  # Anybody can send a made-up `state`: that takes no write lock.
        async with self._database.write() as connection:
            row = (await connection.execute(select(connect_flows).where(mine).with_for_update())).first()
            if row is None:
                return None
            await connection.execute(update(connect_flows).where(mine).values(**_NO_SECRETS))
        return _flow(row), AuthorizationAttempt(trip_hash=row.trip_hash, browser=row.browser, sealed=row.trip, dek_id=row.trip_dek_id)

    async def taken(self, trip_hash: str) -> tuple[ConnectFlow, str] | None:
        over = (connect_flows.c.trip_hash == trip_hash) & connect_flows.c.trip.is_(None)
        async with self._database.read() as connection:
            row = (await connection.execute(select(connect_flows).where(over))).first()
        return None if row is None else (_flow(row), row.browser)

    async def finish(self, flow_hash: str, state: FlowState, account_id: str) -> None:
        async with self._database.write() as connection:
            this = connect_flows.c.flow_hash == flow_hash
            await connection.execute(update(connect_flows).where(this).values(state=state, account_id=account_id, **_NO_SECRETS))

    async def sweep(self, before: float) -> int:
        return await remove_rows(self._database, connect_flows, connect_flows.c.expires_at < int(before * 1e6))


def _flow(row: Row[Any]) -> ConnectFlow:
    fields = {name: getattr(row, name) for name in ConnectFlow.__slots__}
    fields |= {"scopes": frozenset(row.scopes.split()), "created_at": row.created_at / 1e6, "expires_at": row.expires_at / 1e6}
    return ConnectFlow(**fields)
