"""Rows of a stream removed, so that log sinks pass over none that comes after them."""

from sqlalchemy import ColumnElement, Connection, Table, case, delete, func, select, update

from server.storage.database import now_us
from server.storage.history.sink_tables import sink_cursors


def remove_shipped(connection: Connection, stream: str, table: Table, *is_old: ColumnElement[bool]) -> None:
    """Delete rows of a stream.

    SQLite gives the numbers of last rows that are gone once more: what comes under them would look as if it had arrived. So cursors go
    back with them in the same transaction, what had not arrived is counted as lost, and who was sending finds its lease gone and looks
    anew. To keep the newest row instead would keep it for longer than its retention; AUTOINCREMENT would write the table anew.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(delete(table).where(*is_old))
        return
    newest = select(func.coalesce(func.max(table.c.seq), 0))
    before = connection.execute(newest).scalar_one()
    connection.execute(delete(table).where(*is_old))
    last = connection.execute(newest).scalar_one()
    if last < before:
        _go_back(connection, stream, before, last)


def _go_back(connection: Connection, stream: str, before: int, last: int) -> None:
    c, now = sink_cursors.c, now_us()
    kept = case((c.position > last, c.position), else_=last)
    values = {
        "lost_rows": c.lost_rows + case((kept < before, before - kept), else_=0),
        "position": case((c.position > last, last), else_=c.position),
        "pending": case((c.pending > last, last), else_=c.pending),
        "owner": "",
        "leased_until": case((c.leased_until > now, now), else_=c.leased_until),
    }
    connection.execute(update(sink_cursors).where(c.stream == stream).values(**values))
