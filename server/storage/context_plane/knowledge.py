"""KnowledgeStore on SQL: what is read beside the rows of a transaction."""

import operator
from collections.abc import Sequence
from functools import reduce
from typing import Any

from sqlalchemy import ColumnElement, case, exists, or_, select

from server.storage.context_plane.entity_rows import entity_of
from server.storage.context_plane.fact_rows import fact_of
from server.storage.context_plane.phrases import holding
from server.storage.context_plane.revisions import revision_of
from server.storage.database import Database
from server.storage.schema.context_tables import claims, entities, facts
from tools.context_plane.facts import Entity, Fact
from tools.context_plane.retrieval.fact_filter import FactFilter


class SqlKnowledgeStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def revision(self, tenant_id: str) -> int:
        return await self._database.look(lambda connection: revision_of(connection, tenant_id))

    async def newest_facts(self, tenant_id: str, wanted: FactFilter, limit: int) -> Sequence[Fact]:
        # In the order of changes, which has an index: what was retired lately comes before what was learnt before that.
        query = select(facts).where(facts.c.tenant_id == tenant_id, *_permitted(wanted)).order_by(facts.c.changed_in.desc()).limit(limit)
        return await self._database.look(lambda connection: [fact_of(row) for row in connection.execute(query)])

    async def retired_facts(self, tenant_id: str, wanted: FactFilter, until_us: int, words: Sequence[str], limit: int) -> Sequence[Fact]:
        c = facts.c
        query = select(facts).where(c.tenant_id == tenant_id, c.retired_at <= until_us, *_permitted(wanted))
        if words:
            has = [case((holding([c.text], [word]), 1), else_=0) for word in words]
            query = query.order_by(reduce(operator.add, has).desc())
        query = query.order_by(c.changed_in.desc()).limit(limit)
        return await self._database.look(lambda connection: [fact_of(row) for row in connection.execute(query)])

    async def entities(self, tenant_id: str, audiences: Sequence[str], name: str, kind: str, after: int, limit: int) -> Sequence[Entity]:
        c = entities.c
        known = exists().where(
            claims.c.tenant_id == tenant_id,
            claims.c.audience.in_(audiences),
            or_(claims.c.subject_id == c.entity_id, claims.c.object_id == c.entity_id),
        )
        wanted = [c.tenant_id == tenant_id, c.merged_into.is_(None), c.entity_id > after, known]
        wanted += [c.kind == kind] if kind else []
        wanted += [c.normal_name.contains(name, autoescape=True)] if name else []
        query = select(entities).where(*wanted).order_by(c.entity_id).limit(limit)
        return await self._database.look(lambda connection: [entity_of(row) for row in connection.execute(query)])


def _permitted(wanted: FactFilter) -> list[ColumnElement[bool]]:
    """Return FactFilter.permits as conditions."""
    c = facts.c
    found: list[ColumnElement[bool]] = [
        c.audience.in_(wanted.audiences),
        c.recorded_at <= wanted.known_at_us,
        or_(c.retired_at.is_(None), c.retired_at > wanted.known_at_us),
    ]
    if wanted.as_of_us is not None:
        found += [
            or_(c.valid_from.is_(None), c.valid_from <= wanted.as_of_us),
            or_(c.valid_to.is_(None), c.valid_to > wanted.as_of_us),
        ]
    if wanted.about is not None:
        about: list[Any] = sorted(wanted.about)
        found.append(or_(c.subject_id.in_(about), c.object_id.in_(about)))
    if wanted.predicates:
        found.append(c.predicate.in_(sorted(wanted.predicates)))
    return found
