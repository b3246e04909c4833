"""Taking rows of one tenant away for good: ForgettingRows on SQL. The store overwrites what it deletes (see `engines.py`)."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

import orjson
from sqlalchemy import Column, Table, bindparam, case, delete, select, update

from server.storage.context_plane.episode_rows import claim_of, episode_of
from server.storage.context_plane.matching import matching, numbers, present
from server.storage.context_plane.pairs import FRESH
from server.storage.context_plane.phrases import holding
from server.storage.context_plane.tenant_rows import TenantRows
from server.storage.insertion import insert_in_thread
from server.storage.schema.context_tables import (
    claims,
    entities,
    entity_keys,
    entity_links,
    episodes,
    extractions,
    fact_tombstones,
    facts,
    identity_pairs,
    signal_evaluations,
)
from tools.context_plane.facts import Claim, Episode, Fact
from tools.context_plane.ids import FACT, id_text
from tools.context_plane.retraction import RETRACTION

_EMPTY = (
    update(episodes)
    .where(episodes.c.tenant_id == bindparam("of"), episodes.c.episode_id == bindparam("id"))
    .values({name: bindparam(f"new_{name}") for name in ("source", "source_id", "author", "url", "content")})
)
_NAME_CLAIMS = (
    update(facts)
    .where(facts.c.tenant_id == bindparam("of"), facts.c.fact_id == bindparam("id"))
    .values(claim_ids=bindparam("claims"), changed_in=bindparam("revision"))
)


class SqlForgettingRows(TenantRows):
    __slots__ = ()

    def episodes_from(self, source: str | None, audiences: Collection[str] | None, limit: int) -> Sequence[int]:
        query = select(episodes.c.episode_id).where(episodes.c.tenant_id == self.tenant_id)
        if source is not None:
            query = query.where(episodes.c.source == source)
        if audiences is not None:
            query = query.where(episodes.c.audience.in_(audiences))
        return list(self.connection.execute(query.limit(limit)).scalars())

    def episodes_saying(self, phrases: Collection[str]) -> Sequence[Episode]:
        columns = [episodes.c.content, episodes.c.author, episodes.c.url, episodes.c.source, episodes.c.source_id]
        query = select(episodes).where(episodes.c.tenant_id == self.tenant_id, holding(columns, phrases))
        return [episode_of(row) for row in self.connection.execute(query)]

    def claims_saying(self, phrases: Collection[str]) -> Sequence[Claim]:
        query = select(claims).where(claims.c.tenant_id == self.tenant_id, holding([claims.c.value], phrases))
        return [claim_of(row) for row in self.connection.execute(query)]

    def claims_in(self, episode_ids: Collection[int]) -> Sequence[Claim]:
        rows = matching(self.connection, claims, self.tenant_id, (claims.c.episode_id,), numbers(episode_ids))
        return [claim_of(row) for row in rows]

    def claims_about(self, entity_ids: Collection[int], limit: int) -> Sequence[Claim]:
        found: dict[int, Claim] = {}
        for column in (claims.c.subject_id, claims.c.object_id):
            spoken_of = numbers(present(self.connection, claims, self.tenant_id, column, entity_ids))
            rows = matching(self.connection, claims, self.tenant_id, (column,), spoken_of, limit=limit)
            found |= {row.claim_id: claim_of(row) for row in rows}
        return list(found.values())[:limit]

    def delete_episodes(self, episode_ids: Collection[int]) -> None:
        for row in matching(self.connection, episodes, self.tenant_id, (episodes.c.episode_id,), numbers(episode_ids)):
            self.count_bytes(-len(row.content.encode()), row.added_by)
        self._delete(episodes, episodes.c.episode_id, episode_ids)
        self._delete(extractions, extractions.c.episode_id, episode_ids)

    def empty_episodes(self, episodes_: Sequence[Episode]) -> None:
        if not episodes_:
            return
        ids = numbers([episode.episode_id for episode in episodes_])
        for row in matching(self.connection, episodes, self.tenant_id, (episodes.c.episode_id,), ids):
            self.count_bytes(-len(row.content.encode()), row.added_by)
        for episode in episodes_:
            self.count_bytes(len(episode.content.encode()), episode.added_by)
        self.connection.execute(
            _EMPTY,
            [
                {
                    "of": self.tenant_id,
                    "id": episode.episode_id,
                    "new_source": episode.source,
                    "new_source_id": episode.source_id,
                    "new_author": episode.author,
                    "new_url": episode.url,
                    "new_content": episode.content,
                }
                for episode in episodes_
            ],
        )
        self.gone["contents of episodes"] += len(episodes_)

    def delete_claims(self, claim_ids: Collection[int]) -> None:
        for row in matching(self.connection, claims, self.tenant_id, (claims.c.claim_id,), numbers(claim_ids)):
            self.totals.claims_by[row.added_by] -= 1
        self.totals.claims -= self._delete(claims, claims.c.claim_id, claim_ids)

    def delete_facts(self, facts_: Sequence[Fact]) -> None:
        fact_ids = [fact.fact_id for fact in facts_]
        self.totals.facts -= self._delete(facts, facts.c.fact_id, fact_ids)
        own = {"tenant_id": self.tenant_id, "gone_at": self.now_us}
        stones = [{**own, "revision": self.take_revision(), "fact_id": fact_id} for fact_id in fact_ids]
        insert_in_thread(self.connection, fact_tombstones, stones)
        taken_back = [(RETRACTION, id_text(FACT, fact_id)) for fact_id in fact_ids]
        records = matching(self.connection, episodes, self.tenant_id, (episodes.c.source, episodes.c.source_id), taken_back)
        self.delete_episodes([row.episode_id for row in records])
        subjects = numbers({fact.group.subject_id for fact in facts_})
        about_them = matching(self.connection, signal_evaluations, self.tenant_id, (signal_evaluations.c.subject_id,), subjects)
        gone = set(fact_ids)
        because = [row.evaluation_id for row in about_them if not gone.isdisjoint(orjson.loads(row.fact_ids))]
        self._delete(signal_evaluations, signal_evaluations.c.evaluation_id, because)
        self._forget_reasons({each for fact in facts_ for each in (fact.group.subject_id, fact.belief.object_id) if each is not None})

    def name_claims(self, facts_: Sequence[Fact]) -> None:
        if facts_:
            self.connection.execute(
                _NAME_CLAIMS,
                [
                    {
                        "of": self.tenant_id,
                        "id": fact.fact_id,
                        "claims": orjson.dumps(fact.belief.claim_ids).decode(),
                        "revision": self.take_revision(),
                    }
                    for fact in facts_
                ],
            )

    def delete_entities(self, entity_ids: Collection[int]) -> None:
        self._delete(entity_keys, entity_keys.c.entity_id, entity_ids)
        self._delete(entity_links, entity_links.c.entity_id, entity_ids)
        self._delete(entity_links, entity_links.c.into_id, entity_ids)
        self._delete(signal_evaluations, signal_evaluations.c.subject_id, entity_ids)
        self._delete(identity_pairs, identity_pairs.c.one_id, entity_ids)
        self._delete(identity_pairs, identity_pairs.c.other_id, entity_ids)
        self.totals.entities -= self._delete(entities, entities.c.entity_id, entity_ids)

    def deleted(self) -> Mapping[str, int]:
        return dict(self.gone)

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        counted = self.gone
        self.gone = Counter()
        yield
        self.gone = counted

    def _forget_reasons(self, entity_ids: Collection[int]) -> None:
        """Forget what a model thought of these, since its words may be those of facts; it is asked again where nobody has decided."""
        for column in (identity_pairs.c.one_id, identity_pairs.c.other_id):
            if entity_ids:
                again = case((identity_pairs.c.state == "left", "left"), else_="waiting")
                its_rows = (identity_pairs.c.tenant_id == bindparam("of"), column == bindparam("id"), identity_pairs.c.attempts > 0)
                one = update(identity_pairs).where(*its_rows).values(state=again, next_at=0, **FRESH)
                self.connection.execute(one, [{"of": self.tenant_id, "id": each} for each in entity_ids])

    def _delete(self, table: Table, column: Column[int], ids: Collection[int]) -> int:
        """Delete the tenant's rows whose `column` is one of `ids`; return how many."""
        if not ids:
            return 0
        one = delete(table).where(table.c.tenant_id == bindparam("of"), column == bindparam("id"))
        count = self.connection.execute(one, [{"of": self.tenant_id, "id": each} for each in ids]).rowcount
        self.gone[table.name] += count
        return count
