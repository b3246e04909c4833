"""What senders signed without a time, for as long as their webhook is there: a copy of it counts no second time. Table: webhook_seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, select

from server.storage.insertion import insert_unless_there_in_thread
from server.storage.schema.workflows.webhook_tables import webhook_seen, webhooks


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of it when it came first."""

    delivery_id: str
    received_at_us: int


def seen_before(connection: Connection, values: Mapping[str, Any], mark: str) -> Seen | None:
    """Remember `mark` for the delivery of these values; return what is known of it where it is remembered already."""
    row = {"tenant_id": values["tenant_id"], "source": values["source"], "mark": mark}
    row |= {"delivery_id": values["delivery_id"], "received_at": values["received_at"]}
    if insert_unless_there_in_thread(connection, webhook_seen, row):
        return None
    s = webhook_seen.c
    mine = (s.tenant_id == row["tenant_id"], s.source == row["source"], s.mark == mark)
    found = connection.execute(select(s.delivery_id, s.received_at).where(*mine)).one()
    return Seen(found.delivery_id, found.received_at)


def surplus_of(connection: Connection, most: int) -> Mapping[tuple[str, str], int]:
    """Return how much there is beyond the newest `most` of each tenant's source, where there is any; without a webhook, all of it.

    It looks through all that is remembered, so it is for a transaction that only reads.
    """
    s = webhook_seen.c
    there = {tuple(row) for row in connection.execute(select(webhooks.c.tenant_id, webhooks.c.source))}
    counted = connection.execute(select(s.tenant_id, s.source, func.count().label("there")).group_by(s.tenant_id, s.source))
    found = {(row.tenant_id, row.source): row.there - (most if (row.tenant_id, row.source) in there else 0) for row in counted}
    return {place: surplus for place, surplus in found.items() if surplus > 0}


def forget_oldest(connection: Connection, place: tuple[str, str], count: int) -> None:
    """Forget so many of a tenant's source, the oldest."""
    s = webhook_seen.c
    mine = (s.tenant_id == place[0], s.source == place[1])
    marks = connection.execute(select(s.mark).where(*mine).order_by(s.received_at, s.mark).limit(count)).scalars().all()
    connection.execute(delete(webhook_seen).where(*mine, s.mark.in_(marks)))
