"""The rows of one tenant within one transaction: ContextRows on SQL."""

from server.storage.context_plane.entity_rows import SqlEntityRows
from server.storage.context_plane.episode_rows import SqlEpisodeRows
from server.storage.context_plane.fact_rows import SqlFactRows
from server.storage.context_plane.forgetting_rows import SqlForgettingRows
from server.storage.context_plane.totals import person_totals
from tools.context_plane.quotas import Kept, KeptByPerson


class SqlContextRows(SqlEpisodeRows, SqlEntityRows, SqlFactRows, SqlForgettingRows):
    __slots__ = ()

    def kept(self) -> Kept:
        at = self.totals
        return Kept(facts=at.facts, claims=at.claims, entities=at.entities, content_bytes=at.content_bytes)

    def kept_by(self, person: int) -> KeptByPerson:
        claims, content_bytes = person_totals(self.connection, self.tenant_id, person)
        at = self.totals
        return KeptByPerson(claims=claims + at.claims_by[person], content_bytes=content_bytes + at.bytes_by[person])
