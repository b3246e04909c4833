"""What nodes say of themselves, and what the sums of the store say to rules. Table: alert_nodes."""

from collections.abc import Mapping, Sequence

import orjson
from sqlalchemy import delete, select

from server.storage.alerts.records import NodeReport
from server.storage.database import Database
from server.storage.insertion import insert_or_replace
from server.storage.schema.alert_tables import alert_nodes

MAX_NODES = 1_000


class SqlNodeReports:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, report: NodeReport) -> None:
        """Keep what a node says, in place of what it said before."""
        values = {"node": report.node, "at": report.at_us, "figures": orjson.dumps(dict(report.figures)).decode()}
        async with self._database.write() as connection:
            await insert_or_replace(connection, alert_nodes, values)

    async def since(self, time_us: int) -> Sequence[NodeReport]:
        """Return what nodes said since then."""
        query = select(alert_nodes).where(alert_nodes.c.at >= time_us).order_by(alert_nodes.c.node).limit(MAX_NODES)
        async with self._database.read() as connection:
            return [NodeReport(node=row.node, at_us=row.at, figures=_object(row.figures)) for row in await connection.execute(query)]

    async def forget_before(self, time_us: int) -> int:
        """Forget nodes that have said nothing since."""
        async with self._database.write() as connection:
            return (await connection.execute(delete(alert_nodes).where(alert_nodes.c.at < time_us))).rowcount


def _object(text: str) -> Mapping[str, object]:
    found = orjson.loads(text)
    return found if isinstance(found, dict) else {}
