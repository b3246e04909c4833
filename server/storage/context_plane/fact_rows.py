"""What is believed in one tenant, and what was: FactRows on SQL. Each change of a fact takes the tenant's next revision."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Row, bindparam, select, update

from server.storage.context_plane.matching import matching, numbers
from server.storage.context_plane.parts import rows_of_parts
from server.storage.context_plane.tenant_rows import TenantRows
from server.storage.insertion import insert_in_thread
from server.storage.schema.context_tables import claims, facts, predicates
from tools.context_plane.facts import Belief, Cardinality, Fact, Group, Part, said_number

_RETIRE = (
    update(facts)
    .where(facts.c.tenant_id == bindparam("of"), facts.c.fact_id == bindparam("id"), facts.c.retired_at.is_(None))
    .values(retired_at=bindparam("at"), changed_in=bindparam("revision"))
)


class SqlFactRows(TenantRows):
    __slots__ = ()

    def cardinalities(self, names: Collection[str]) -> Mapping[str, Cardinality]:
        rows = matching(self.connection, predicates, self.tenant_id, (predicates.c.name,), [(name,) for name in names])
        return {row.name: row.cardinality for row in rows}

    def declare(self, predicate: str, cardinality: Cardinality) -> None:
        if self.cardinalities([predicate]):
            its_row = (predicates.c.tenant_id == self.tenant_id, predicates.c.name == predicate)
            self.connection.execute(update(predicates).where(*its_row).values(cardinality=cardinality))
        else:
            row = {"tenant_id": self.tenant_id, "name": predicate, "cardinality": cardinality}
            insert_in_thread(self.connection, predicates, [row])

    def groups_with(self, predicate: str) -> Sequence[Group]:
        columns = (claims.c.audience, claims.c.subject_id, claims.c.predicate)
        query = select(*columns).where(claims.c.tenant_id == self.tenant_id, claims.c.predicate == predicate).distinct()
        return [Group(*row) for row in self.connection.execute(query.order_by(*columns))]

    def facts_of(self, parts: Collection[Part]) -> Sequence[Fact]:
        return [fact_of(row) for row in rows_of_parts(self, facts, parts, facts.c.retired_at.is_(None))]

    def history_of(self, groups: Collection[Group]) -> Sequence[Fact]:
        return self.ever_believed([Part(group) for group in groups])

    def ever_believed(self, parts: Collection[Part]) -> Sequence[Fact]:
        return [fact_of(row) for row in rows_of_parts(self, facts, parts)]

    def facts(self, fact_ids: Collection[int]) -> Mapping[int, Fact]:
        rows = matching(self.connection, facts, self.tenant_id, (facts.c.fact_id,), numbers(fact_ids))
        return {row.fact_id: fact_of(row) for row in rows}

    def add_facts(self, facts_: Sequence[Fact]) -> None:
        insert_in_thread(self.connection, facts, [self._values(fact) for fact in facts_])
        self.totals.facts += len(facts_)

    def retire_facts(self, fact_ids: Collection[int]) -> None:
        if fact_ids:
            self.connection.execute(
                _RETIRE,
                [{"of": self.tenant_id, "id": each, "at": self.now_us, "revision": self.take_revision()} for each in fact_ids],
            )

    def _values(self, fact: Fact) -> dict[str, object]:
        return {
            "tenant_id": self.tenant_id,
            "fact_id": fact.fact_id,
            "audience": fact.group.audience,
            "subject_id": fact.group.subject_id,
            "predicate": fact.group.predicate,
            "object_id": fact.belief.object_id,
            "value": fact.belief.value,
            "said": said_number(*fact.belief.said),
            "valid_from": fact.belief.valid_from_us,
            "valid_to": fact.belief.valid_to_us,
            "confidence": fact.belief.confidence,
            "text": fact.text,
            "state": fact.belief.state,
            "recorded_at": fact.recorded_at_us,
            "retired_at": fact.retired_at_us,
            "claim_ids": orjson.dumps(fact.belief.claim_ids).decode(),
            "changed_in": self.take_revision(),
        }


def fact_of(row: Row[Any]) -> Fact:
    at = row._mapping  # An attribute of a row takes six times as long as a key of its mapping.
    return Fact(
        fact_id=at["fact_id"],
        group=Group(audience=at["audience"], subject_id=at["subject_id"], predicate=at["predicate"]),
        belief=Belief(
            object_id=at["object_id"],
            value=at["value"],
            valid_from_us=at["valid_from"],
            valid_to_us=at["valid_to"],
            confidence=at["confidence"],
            state=at["state"],
            claim_ids=tuple(orjson.loads(at["claim_ids"])),
        ),
        text=at["text"],
        recorded_at_us=at["recorded_at"],
        retired_at_us=at["retired_at"],
    )
