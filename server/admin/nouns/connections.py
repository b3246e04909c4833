"""Connections: the third-party accounts that calls are made with, and their end. Secrets stay in the vault."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from oauth.connections.changes import ConnectionChanges
from oauth.connections.connection import Connection
from oauth.connections.errors import UnknownConnection
from server.admin.administrators import Administrator
from server.admin.lists.cursors import page_of
from server.admin.nouns.records.calls import Names, names_of
from server.admin.refusals import not_found
from server.admin.resource import Change, Column, Done, Filter, ListQuery, Resource, Row, Rows
from server.storage.oauth.connections import SqlConnectionStore
from server.storage.oauth.subjects import SqlSubjectStore
from tools.turns import in_turns


@dataclass(frozen=True, slots=True)
class ConnectionNoun:
    store: SqlConnectionStore
    subjects: SqlSubjectStore
    changes: ConnectionChanges

    def resource(self) -> Resource:
        return Resource(
            name="connections",
            title="Connections",
            about="Third-party accounts that calls are made with. Their secrets stay in the vault.",
            columns=(
                Column(name="tenant", title="Tenant", link="tenants"),
                Column(name="who", title="Whose"),
                Column(name="provider", title="Provider"),
                Column(name="alias", title="Alias"),
                Column(name="title", title="Account", is_aside=True),
                Column(name="state", title="State", kind="state"),
                Column(name="error", title="Error"),
                Column(name="id", title="Id", link="connections"),
            ),
            facts=(
                Column(name="subject", title="Subject"),
                Column(name="kind", title="Kind"),
                Column(name="scopes", title="Scopes"),
                Column(name="created", title="Connected", kind="time"),
                Column(name="expires", title="Token ends", kind="time"),
                Column(name="failures", title="Failed refreshes in a row", kind="number"),
            ),
            rows=self.rows,
            is_read_whole=True,
            one=self.one,
            filters=(Filter(name="provider", title="Provider"), Filter(name="state", title="State")),
            changes=(
                Change("disconnect", "Disconnect", self.disconnect, method="DELETE", confirm="Forget this account, and end it there?"),
            ),
            when_empty="No accounts yet; people connect theirs, or `ascend connection add-key PROVIDER` adds one.",
        )

    async def rows(self, _administrator: Administrator, query: ListQuery) -> Rows:
        found = await self.store.load() if query.tenant_id is None else await self.store.of_tenant(query.tenant_id)
        now, asked = time.time(), query.filters
        wanted = [
            {"id": each.account_id, "of": each}
            async for each in in_turns(found)
            if asked.get("provider") in (None, each.provider) and asked.get("state") in (None, _state(each, now))
        ]
        page = page_of(wanted, query, "id")
        names = await names_of(self.subjects, {(row["of"].tenant_id, row["of"].subject) for row in page.items})
        return Rows([connection_row(row["of"], names, now) async for row in in_turns(page.items)], page.next_cursor)

    async def one(self, administrator: Administrator, key: str) -> Row | None:
        found = await self._found(administrator, key)
        if found is None:
            return None
        names = await names_of(self.subjects, {(found.tenant_id, found.subject)})
        return {
            **connection_row(found, names, time.time()),
            "kind": found.kind,
            "scopes": None if found.scopes is None else " ".join(sorted(found.scopes)),
            "created": round(found.created_at * 1_000_000),
            "expires": None if found.expires_at is None else round(found.expires_at * 1_000_000),
            "failures": found.fail_count,
        }

    async def disconnect(self, administrator: Administrator, key: str, _values: Mapping[str, str]) -> Done:
        found = await self._found(administrator, key)
        if found is None:
            raise not_found(f"no account {key[:80]!r}", "`ascend connection list` shows all")
        return Done(await disconnect(self.changes, found.tenant_id, key))

    async def _found(self, administrator: Administrator, key: str) -> Connection | None:
        reach = administrator.reach(None)
        known = await self.store.load() if reach is None else await self.store.of_tenant(reach)
        return next((each for each in known if each.account_id == key), None)


async def disconnect(changes: ConnectionChanges, tenant_id: str, account_id: str) -> str:
    """Forget an account here and end it at its provider; return what came of it, in words. Raises AdminRefused."""
    try:
        connection, revoked = await changes.remove(tenant_id, account_id)
    except UnknownConnection as error:
        raise not_found(f"no account {account_id[:80]!r} in tenant {tenant_id!r}", "`ascend connection list` shows all") from error
    said = f"account {account_id} is gone{', at the provider too' if revoked else ''}"
    if not revoked and connection.kind == "bearer":
        remove_at = changes.remove_at(connection)
        where = f"at {remove_at}" if remove_at else "in its own settings"
        said += f"\nthe provider could not be told for certain: remove the application {where} as well"
    return said


def connection_row(each: Connection, names: Names, now: float) -> Row:
    """Return an account as lists show it."""
    return {
        "tenant": each.tenant_id,
        "who": names.get((each.tenant_id, each.subject), each.subject) or "everybody",
        "subject": each.subject or "everybody",
        "provider": each.provider,
        "alias": each.alias,
        "title": each.title,
        "state": _state(each, now),
        "error": each.last_error or None,
        "id": each.account_id,
    }


def _state(each: Connection, now: float) -> str:
    return "expired" if each.has_ended(now) else each.state
