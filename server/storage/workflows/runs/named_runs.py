"""Runs that name somebody who is to be forgotten, without the name. Tables: workflow_runs, workflow_steps, workflow_signals."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Select, Table, delete, select, union, update

from server.storage.context_plane.phrases import holding
from server.storage.database import Database
from server.storage.schema.workflows.workflow_tables import workflow_runs, workflow_signals, workflow_steps
from server.storage.workflows.runs.kept_bytes import forget_bytes
from tools.context_plane.forgetting.naming_words import Words
from tools.operation import Json
from tools.workflows.run_keys import key_of

#: what may name somebody: columns that hold JSON, and columns that a row is known by
_JSON = {workflow_runs: ("given", "result", "failure"), workflow_steps: ("result", "failure"), workflow_signals: ("value",)}
_KNOWN_BY: dict[Table, tuple[str, ...]] = {workflow_runs: (), workflow_steps: ("name",), workflow_signals: ("name", "key")}


class SqlNamedRuns:
    """Keeps `tools.context_plane.forgetting.forgetting.NamingRuns`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def black_out(self, tenant_id: str, audiences: Collection[str] | None, words: Words, *, dry_run: bool) -> int:
        if not words.phrases:
            return 0
        found = await self._database.look(lambda connection: list(connection.execute(_saying(tenant_id, words)).scalars()))
        count = 0
        for run_id in found:
            # Looked through on a snapshot, where it holds up nobody: a run may have megabytes.
            naming = await self._database.look(partial(_naming, tenant_id=tenant_id, run_id=run_id, words=words))
            if naming is None:
                continue
            count += audiences is None or naming.acts_for in audiences
            if not dry_run:
                await self._database.transact(naming.black_out)
        if found and not dry_run:
            await self._database.overwrite([table.name for table in _JSON])
        return count


@dataclass(frozen=True, slots=True)
class _Naming:
    """A run that names somebody. `goes`: it has ended, and its key names them. `changes`: (which row, which text, it, it without)."""

    tenant_id: str
    run_id: str
    acts_for: str
    goes: bool
    changes: Sequence[tuple[Table, tuple[ColumnElement[bool], ...], str, str, str]]

    def black_out(self, connection: Connection) -> None:
        if self.goes:
            forget_bytes(connection, [(self.tenant_id, self.run_id)])
            for table in _JSON:
                connection.execute(delete(table).where(table.c.tenant_id == self.tenant_id, table.c.run_id == self.run_id))
            return
        for table, which, name, text, black in self.changes:
            # What was written anew meanwhile stays.
            row = update(table).where(table.c.tenant_id == self.tenant_id, *which, table.c[name] == text)
            connection.execute(row.values({name: black}))


def _saying(tenant_id: str, words: Words) -> Select[Any]:
    """Return the ids of runs whose rows may hold one of the words."""
    queries = []
    for table in _JSON:
        columns = [table.c[name] for name in (*_JSON[table], *_KNOWN_BY[table])]
        columns += [table.c.run_id] if table is workflow_runs else []
        queries.append(select(table.c.run_id).where(table.c.tenant_id == tenant_id, holding(columns, words.phrases)))
    return select(union(*queries).subquery().c.run_id)


def _naming(connection: Connection, tenant_id: str, run_id: str, words: Words) -> _Naming | None:
    rows = [(table, row) for table in _JSON for row in _rows(connection, table, tenant_id, run_id)]
    if not rows or rows[0][0] is not workflow_runs:
        return None
    run = rows[0][1]
    has_ended = run.ended_at is not None
    goes = has_ended and words.name_it(key_of(run_id))
    changes = []
    for table, row in rows:
        which = tuple(column == row._mapping[column.name] for column in table.primary_key)
        texts = {name: text for name in _JSON[table] if (text := row._mapping[name]) is not None}
        changes += [(table, which, name, text, black) for name, text in texts.items() if (black := _without(text, words)) is not None]
        # A run that goes on finds its steps and signals by these.
        known_by = {name: row._mapping[name] for name in _KNOWN_BY[table]} if has_ended else {}
        changes += [
            (table, which, name, text, hashlib.sha256(text.encode()).hexdigest()) for name, text in known_by.items() if words.name_it(text)
        ]
    return _Naming(tenant_id, run_id, run.acts_for, goes, changes) if changes or goes else None


def _rows(connection: Connection, table: Table, tenant_id: str, run_id: str) -> Sequence[Row[Any]]:
    return connection.execute(select(table).where(table.c.tenant_id == tenant_id, table.c.run_id == run_id)).all()


def _without(text: str, words: Words) -> str | None:
    """Return JSON text without the name; None: it does not name it."""
    value = orjson.loads(text)
    black = _black(value, words)
    return None if black == value else orjson.dumps(black).decode()


def _black(value: Json, words: Words) -> Json:
    if isinstance(value, str):
        return words.blacked_out(value)
    if isinstance(value, list):
        return [_black(each, words) for each in value]
    if isinstance(value, dict):
        return {words.blacked_out(name): _black(each, words) for name, each in value.items()}
    return value
