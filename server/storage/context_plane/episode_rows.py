"""Episodes and claims of one tenant: EpisodeRows on SQL."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, select, update

from server.storage.context_plane.matching import matching, numbers, present
from server.storage.context_plane.parts import rows_of_parts
from server.storage.context_plane.tenant_rows import TenantRows
from server.storage.insertion import insert_in_thread
from server.storage.schema.context_tables import claims, episodes
from tools.context_plane.facts import Claim, Episode, Group, Part, said_number
from tools.context_plane.stores import EpisodeVersion

#: an episode without its words
_VERSION: tuple[ColumnElement[Any], ...] = (
    episodes.c.episode_id,
    episodes.c.audience,
    episodes.c.source,
    episodes.c.source_id,
    episodes.c.content_hash,
    episodes.c.kind,
    episodes.c.occurred_at,
)
#: ids in one statement
_AT_ONCE = 500
_WITHDRAW = (
    update(claims)
    .where(claims.c.tenant_id == bindparam("of"), claims.c.claim_id == bindparam("id"), claims.c.withdrawn_at.is_(None))
    .values(withdrawn_at=bindparam("at"))
)


class SqlEpisodeRows(TenantRows):
    __slots__ = ()

    def known_episode(self, audience: str, source: str, source_id: str, content_hash: str) -> Episode | None:
        columns = (episodes.c.audience, episodes.c.source, episodes.c.source_id, episodes.c.content_hash)
        rows = matching(self.connection, episodes, self.tenant_id, columns, [(audience, source, source_id, content_hash)])
        return episode_of(rows[0]) if rows else None

    def add_episodes(self, episodes_: Sequence[Episode]) -> None:
        insert_in_thread(self.connection, episodes, [self._episode_values(episode) for episode in episodes_])
        for episode in episodes_:
            self.count_bytes(len(episode.content.encode()), episode.added_by)

    def episodes(self, episode_ids: Collection[int]) -> Mapping[int, Episode]:
        rows = matching(self.connection, episodes, self.tenant_id, (episodes.c.episode_id,), numbers(episode_ids))
        return {row.episode_id: episode_of(row) for row in rows}

    def versions_of(self, source: str, source_ids: Collection[str]) -> Mapping[str, Sequence[EpisodeVersion]]:
        found: dict[str, list[EpisodeVersion]] = {}
        wanted = list(dict.fromkeys(source_ids))
        for begin in range(0, len(wanted), _AT_ONCE):
            of_ids = episodes.c.source_id.in_(wanted[begin : begin + _AT_ONCE])
            query = select(*_VERSION).where(episodes.c.tenant_id == self.tenant_id, episodes.c.source == source, of_ids)
            for row in self.connection.execute(query):
                found.setdefault(row.source_id, []).append(_version_of(row))
        return found

    def versions_between(self, source: str, from_us: int, to_us: int) -> Sequence[EpisodeVersion]:
        c = episodes.c
        within = (c.occurred_at >= from_us, c.occurred_at < to_us)
        query = select(*_VERSION).where(c.tenant_id == self.tenant_id, c.source == source, *within)
        return [_version_of(row) for row in self.connection.execute(query)]

    def claims_of(self, parts: Collection[Part]) -> Sequence[Claim]:
        return [claim_of(row) for row in rows_of_parts(self, claims, parts)]

    def claims(self, claim_ids: Collection[int]) -> Mapping[int, Claim]:
        rows = matching(self.connection, claims, self.tenant_id, (claims.c.claim_id,), numbers(claim_ids))
        return {row.claim_id: claim_of(row) for row in rows}

    def groups_about(self, entity_ids: Collection[int]) -> Sequence[Group]:
        rows = [
            row
            for column in (claims.c.subject_id, claims.c.object_id)
            for row in matching(self.connection, claims, self.tenant_id, (column,), numbers(entity_ids))
        ]
        return sorted({Group(audience=row.audience, subject_id=row.subject_id, predicate=row.predicate) for row in rows})

    def spoken_of(self, entity_ids: Collection[int], audiences: Collection[str] | None = None) -> frozenset[int]:
        columns = (claims.c.subject_id, claims.c.object_id)
        among = () if audiences is None else (claims.c.audience.in_(audiences),)
        return frozenset(
            each for column in columns for each in present(self.connection, claims, self.tenant_id, column, entity_ids, *among)
        )

    def add_claims(self, claims_: Sequence[Claim]) -> None:
        insert_in_thread(self.connection, claims, [self._claim_values(claim) for claim in claims_])
        self.totals.claims += len(claims_)
        self.totals.claims_by.update(claim.added_by for claim in claims_)

    def withdraw_claims(self, claim_ids: Collection[int]) -> None:
        if claim_ids:
            self.connection.execute(_WITHDRAW, [{"of": self.tenant_id, "id": each, "at": self.now_us} for each in claim_ids])

    def _episode_values(self, episode: Episode) -> dict[str, object]:
        return {
            "tenant_id": self.tenant_id,
            "episode_id": episode.episode_id,
            "audience": episode.audience,
            "source": episode.source,
            "source_id": episode.source_id,
            "content_hash": episode.content_hash,
            "kind": episode.kind,
            "occurred_at": episode.occurred_at_us,
            "recorded_at": episode.recorded_at_us,
            "author": episode.author,
            "url": episode.url,
            "content": episode.content,
            "added_by": episode.added_by,
        }

    def _claim_values(self, claim: Claim) -> dict[str, object]:
        return {
            "tenant_id": self.tenant_id,
            "claim_id": claim.claim_id,
            "episode_id": claim.episode_id,
            "audience": claim.audience,
            "subject_id": claim.subject_id,
            "predicate": claim.predicate,
            "object_id": claim.object_id,
            "value": claim.value,
            "said": said_number(claim.object_id, claim.value),
            "valid_from": claim.valid_from_us,
            "valid_to": claim.valid_to_us,
            "confidence": claim.confidence,
            "method": claim.method,
            "occurred_at": claim.occurred_at_us,
            "recorded_at": claim.recorded_at_us,
            "withdrawn_at": claim.withdrawn_at_us,
            "start": claim.start,
            "end": claim.end,
            "added_by": claim.added_by,
        }


def episode_of(row: Row[Any]) -> Episode:
    """Return the episode of a row of `episodes`."""
    at = row._mapping  # An attribute of a row takes six times as long as a key of its mapping.
    return Episode(
        episode_id=at["episode_id"],
        audience=at["audience"],
        source=at["source"],
        source_id=at["source_id"],
        content_hash=at["content_hash"],
        kind=at["kind"],
        occurred_at_us=at["occurred_at"],
        recorded_at_us=at["recorded_at"],
        author=at["author"],
        url=at["url"],
        content=at["content"],
        added_by=at["added_by"],
    )


def _version_of(row: Row[Any]) -> EpisodeVersion:
    return EpisodeVersion(
        episode_id=row.episode_id,
        audience=row.audience,
        source=row.source,
        source_id=row.source_id,
        content_hash=row.content_hash,
        kind=row.kind,
        occurred_at_us=row.occurred_at,
    )


def claim_of(row: Row[Any]) -> Claim:
    at = row._mapping  # An attribute of a row takes six times as long as a key of its mapping.
    return Claim(
        claim_id=at["claim_id"],
        episode_id=at["episode_id"],
        audience=at["audience"],
        subject_id=at["subject_id"],
        predicate=at["predicate"],
        object_id=at["object_id"],
        value=at["value"],
        valid_from_us=at["valid_from"],
        valid_to_us=at["valid_to"],
        confidence=at["confidence"],
        method=at["method"],
        occurred_at_us=at["occurred_at"],
        recorded_at_us=at["recorded_at"],
        withdrawn_at_us=at["withdrawn_at"],
        start=at["start"],
        end=at["end"],
        added_by=at["added_by"],
    )
