"""Which tables have rows of tenants, and who must hear that some of them went."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Column, Connection, MetaData, Table

from server.storage.database import announce_in_thread
from server.storage.oauth.registrations import ITEM
from tools.workflows.topics import RUN_NEWS, SCHEDULE_NEWS, WEBHOOK_NEWS

#: tables with a tenant whose rows stay, and why
KEPT: Final[Mapping[str, str]] = {
    "tenants": "its row says that the tenant is leaving; it goes last",
    "kv_audit": "the trail is one chain, and says who removed the tenant",
    "changes": "news for other processes; housekeeping forgets them within the hour",
}
_NAMES = ("tenant_id", "tenant")

#: of a row's primary key, what is announced of it
Item = Callable[[Mapping[str, Any]], str]


def _whole(_key: Mapping[str, Any]) -> str:
    return ""


#: table -> topic, and what a process that knows the row is told: what it has in memory is gone at once
_NEWS: Final[Mapping[str, tuple[str, Item]]] = {
    # The end of a grant is the end of its access tokens.
    "grants": ("tokens", lambda key: f"grant:{key['grant_id']}"),
    "static_tokens": ("tokens", lambda key: f"token:{key['token_hash'].hex()}"),
    "subjects": ("subjects", lambda key: str(key["subject_id"])),
    "caller_keys": ("caller_keys", lambda key: str(key["key_id"])),
    "connections": ("connections", lambda key: str(key["account_id"])),
    "provider_registrations": ("connections", lambda _key: ITEM),
    "operations": ("operations", lambda key: str(key["provider"])),
    "held_tools": ("operations", lambda key: str(key["provider"])),
    "workflow_runs": (RUN_NEWS, _whole),
    "schedules": (SCHEDULE_NEWS, _whole),
    "webhooks": (WEBHOOK_NEWS, _whole),
}


def tenant_column(table: Table) -> Column[Any] | None:
    """Return the column that says whose a row is; None: rows are nobody's."""
    return next((table.c[name] for name in _NAMES if name in table.c), None)


def owned_tables(metadata: MetaData) -> Sequence[tuple[Table, Column[Any]]]:
    """Return the tables whose rows go with their tenant. One that is declared some day is among them."""
    found = ((table, tenant_column(table)) for name, table in sorted(metadata.tables.items()) if name not in KEPT)
    return [(table, column) for table, column in found if column is not None]


def telling(table: Table, tenant_id: str) -> Callable[[Connection, Sequence[tuple[Any, ...]]], None] | None:
    """Return what announces, in the transaction that removes them, that rows with these keys go; None: nobody keeps them in memory."""
    if table.name not in _NEWS:
        return None
    (topic, item_of), names = _NEWS[table.name], [column.name for column in table.primary_key]

    def tell(connection: Connection, keys: Sequence[tuple[Any, ...]]) -> None:
        for item in sorted({item_of(dict(zip(names, key, strict=True))) for key in keys}):
            announce_in_thread(connection, topic, tenant_id, item)

    return tell
