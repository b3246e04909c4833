"""What an index lacks: facts in the order of their changes, with the words that they are found by."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import select

from server.storage.context_plane.fact_rows import fact_of
from server.storage.context_plane.rows import SqlContextRows
from server.storage.schema.context_tables import fact_tombstones, facts
from tools.context_plane.facts import Fact
from tools.context_plane.stores import FactNews, IndexedFact


def facts_since(rows: SqlContextRows, revision: int, limit: int) -> FactNews:
    """Return up to `limit` changes after `revision`: what ContextStore.facts_since promises."""
    of_facts = (facts.c.tenant_id == rows.tenant_id, facts.c.changed_in > revision)
    changed = rows.connection.execute(select(facts).where(*of_facts).order_by(facts.c.changed_in).limit(limit + 1)).all()
    of_stones = (fact_tombstones.c.tenant_id == rows.tenant_id, fact_tombstones.c.revision > revision)
    stones = rows.connection.execute(select(fact_tombstones).where(*of_stones).order_by(fact_tombstones.c.revision).limit(limit + 1)).all()
    in_order = sorted([row.changed_in for row in changed] + [row.revision for row in stones])
    is_all = len(in_order) <= limit
    until = rows.revision - 1 if is_all else in_order[limit - 1]
    return FactNews(
        facts=tuple(indexed(rows, [fact_of(row) for row in changed if row.changed_in <= until])),
        gone=tuple(row.fact_id for row in stones if row.revision <= until),
        revision=until,
        is_all=is_all,
    )


def indexed(rows: SqlContextRows, facts_: Sequence[Fact]) -> list[IndexedFact]:
    """Return facts with the names of whom they are about and the sources of their claims."""
    subjects = {fact.group.subject_id for fact in facts_}
    objects = {fact.belief.object_id for fact in facts_ if fact.belief.object_id is not None}
    names = {entity_id: entity.name for entity_id, entity in rows.entities(subjects | objects).items()}
    sources = _sources(rows, {claim_id for fact in facts_ for claim_id in fact.belief.claim_ids})
    return [
        IndexedFact(
            fact=fact,
            subject=names.get(fact.group.subject_id, ""),
            said=names.get(fact.belief.object_id, "") if fact.belief.object_id is not None else fact.belief.value or "",
            sources=tuple(sorted({source for claim_id in fact.belief.claim_ids for source in sources.get(claim_id, ())})),
        )
        for fact in facts_
    ]


def _sources(rows: SqlContextRows, claim_ids: Collection[int]) -> Mapping[int, Sequence[str]]:
    claims = rows.claims(claim_ids)
    episodes = rows.episodes({claim.episode_id for claim in claims.values()})
    found: defaultdict[int, list[str]] = defaultdict(list)
    for claim_id, claim in claims.items():
        if claim.episode_id in episodes:
            found[claim_id].append(episodes[claim.episode_id].source)
    return found
