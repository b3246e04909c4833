"""Entities of one tenant, their keys and the links between them: EntityRows on SQL."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from server.storage.context_plane.matching import matching, numbers
from server.storage.context_plane.pairs import FRESH
from server.storage.context_plane.tenant_rows import TenantRows
from server.storage.insertion import insert_in_thread
from server.storage.schema.context_tables import entities, entity_keys, entity_links, identity_pairs
from tools.context_plane.facts import Entity, EntityKey, EntityLink
from tools.context_plane.identity.pair import Decision, PairKey


class SqlEntityRows(TenantRows):
    __slots__ = ()

    def entities(self, entity_ids: Collection[int]) -> Mapping[int, Entity]:
        rows = matching(self.connection, entities, self.tenant_id, (entities.c.entity_id,), numbers(entity_ids))
        return {row.entity_id: entity_of(row) for row in rows}

    def entities_by_key(self, keys: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[int, ...]]:
        columns = (entity_keys.c.key_kind, entity_keys.c.key)
        found: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        for row in matching(self.connection, entity_keys, self.tenant_id, columns, keys):
            found[(row.key_kind, row.key)].append(row.entity_id)
        return {key: tuple(sorted(ids)) for key, ids in found.items()}

    def entities_by_name(self, names: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[int, ...]]:
        found: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        of_any_kind = {name for _kind, name in names}
        wanted = set(names)
        for row in matching(self.connection, entities, self.tenant_id, (entities.c.normal_name,), [(name,) for name in of_any_kind]):
            for kind in (row.kind, ""):
                if (kind, row.normal_name) in wanted:
                    found[(kind, row.normal_name)].append(row.entity_id)
        return {name: tuple(sorted(ids)) for name, ids in found.items()}

    def entities_of_kind(self, kind: str, limit: int) -> Sequence[Entity]:
        query = select(entities).where(entities.c.tenant_id == self.tenant_id, entities.c.kind == kind)
        return [entity_of(row) for row in self.connection.execute(query.order_by(entities.c.normal_name).limit(limit))]

    def keys_of(self, entity_ids: Collection[int]) -> Mapping[int, tuple[EntityKey, ...]]:
        found: defaultdict[int, list[EntityKey]] = defaultdict(list)
        for row in matching(self.connection, entity_keys, self.tenant_id, (entity_keys.c.entity_id,), numbers(entity_ids)):
            found[row.entity_id].append(EntityKey(key_kind=row.key_kind, key=row.key, entity_id=row.entity_id))
        return {entity_id: tuple(keys) for entity_id, keys in found.items()}

    def merged_into(self, entity_ids: Collection[int]) -> Mapping[int, tuple[int, ...]]:
        found: defaultdict[int, list[int]] = defaultdict(list)
        for row in matching(self.connection, entities, self.tenant_id, (entities.c.merged_into,), numbers(entity_ids)):
            found[row.merged_into].append(row.entity_id)
        return {into: tuple(ids) for into, ids in found.items()}

    def links_of(self, entity_ids: Collection[int]) -> Sequence[EntityLink]:
        found = {
            _link(row)
            for column in (entity_links.c.entity_id, entity_links.c.into_id)
            for row in matching(self.connection, entity_links, self.tenant_id, (column,), numbers(entity_ids))
        }
        return sorted(found, key=lambda link: (link.linked_at_us, link.entity_id))

    def add_entities(self, entities_: Sequence[Entity], keys: Sequence[EntityKey]) -> None:
        insert_in_thread(
            self.connection,
            entities,
            [
                {
                    "tenant_id": self.tenant_id,
                    "entity_id": entity.entity_id,
                    "kind": entity.kind,
                    "name": entity.name,
                    "normal_name": entity.normal_name,
                    "merged_into": entity.merged_into,
                }
                for entity in entities_
            ],
        )
        insert_in_thread(
            self.connection,
            entity_keys,
            [{"tenant_id": self.tenant_id, "key_kind": key.key_kind, "key": key.key, "entity_id": key.entity_id} for key in keys],
        )
        self.totals.entities += len(entities_)

    def set_kinds(self, kinds: Mapping[int, str]) -> None:
        if kinds:
            its_row = (entities.c.tenant_id == bindparam("of"), entities.c.entity_id == bindparam("id"))
            one = update(entities).where(*its_row).values(kind=bindparam("new_kind"))
            rows = [{"of": self.tenant_id, "id": entity_id, "new_kind": kind} for entity_id, kind in kinds.items()]
            self.connection.execute(one, rows)

    def link(self, entity_id: int, into_id: int, by: str) -> None:
        self._set_merged_into(entity_id, into_id)
        link = {"tenant_id": self.tenant_id, "entity_id": entity_id, "linked_at": self.now_us, "into_id": into_id, "linked_by": by}
        insert_in_thread(self.connection, entity_links, [link])

    def unlink(self, entity_id: int) -> None:
        self._set_merged_into(entity_id, None)
        open_one = (entity_links.c.entity_id == entity_id, entity_links.c.unlinked_at.is_(None))
        self.connection.execute(
            update(entity_links).where(entity_links.c.tenant_id == self.tenant_id, *open_one).values(unlinked_at=self.now_us)
        )

    def decide(self, pair: PairKey, decision: Decision, by: str) -> None:
        its_row = (
            identity_pairs.c.tenant_id == self.tenant_id,
            identity_pairs.c.one_id == pair.one_id,
            identity_pairs.c.other_id == pair.other_id,
        )
        decided = {"decision": decision, "decided_by": by if decision else "", "decided_at": self.now_us if decision else None}
        if self.connection.execute(update(identity_pairs).where(*its_row).values(**decided)).rowcount == 0:
            row = {"tenant_id": self.tenant_id, "one_id": pair.one_id, "other_id": pair.other_id, "similarity": 0.0, "content_hash": ""}
            insert_in_thread(
                self.connection, identity_pairs, [{**row, "state": "left", "next_at": None, "asked_at": None, **FRESH, **decided}]
            )

    def decision_of(self, pair: PairKey) -> Decision:
        columns = (identity_pairs.c.one_id, identity_pairs.c.other_id)
        return next((row.decision for row in matching(self.connection, identity_pairs, self.tenant_id, columns, [tuple(pair)])), "")

    def _set_merged_into(self, entity_id: int, into_id: int | None) -> None:
        its_row = (entities.c.tenant_id == self.tenant_id, entities.c.entity_id == entity_id)
        self.connection.execute(update(entities).where(*its_row).values(merged_into=into_id))


def entity_of(row: Row[Any]) -> Entity:
    at = row._mapping  # An attribute of a row takes six times as long as a key of its mapping.
    return Entity(entity_id=at["entity_id"], kind=at["kind"], name=at["name"], normal_name=at["normal_name"], merged_into=at["merged_into"])


def _link(row: Row[Any]) -> EntityLink:
    return EntityLink(
        entity_id=row.entity_id,
        into_id=row.into_id,
        by=row.linked_by,
        linked_at_us=row.linked_at,
        unlinked_at_us=row.unlinked_at,
    )
