"""Pairs of entities that may be one, in SQL. Tables: identity_pairs, identity_positions."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, case, exists, func, select, update

from server.storage.context_plane.matching import matching, numbers
from server.storage.database import Database
from server.storage.insertion import insert_in_thread, upsert
from server.storage.schema.context_tables import entities, identity_pairs, identity_positions
from tools.context_plane.identity.pair import FoundPair, Pair, PairKey, Verdict

#: undecided ones of one tenant
MAX_OPEN = 10_000
_P = identity_pairs.c
#: nothing was asked yet
FRESH: dict[str, Any] = {"attempts": 0, "verdict": "", "reason": "", "judged_by": ""}
UNDECIDED: dict[str, Any] = {"decision": "", "decided_by": "", "decided_at": None}
_CHANGED = (
    update(identity_pairs)
    .where(_P.tenant_id == bindparam("of"), _P.one_id == bindparam("one"), _P.other_id == bindparam("other"), _P.decision == "")
    .values(similarity=bindparam("new_similarity"), content_hash=bindparam("new_hash"), state=bindparam("new_state"), next_at=0, **FRESH)
)


class SqlPairStore:
    """Keeps `tools.context_plane.identity.stores.PairStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def position(self, tenant_id: str) -> int:
        query = select(identity_positions.c.revision).where(identity_positions.c.tenant_id == tenant_id)
        return await self._database.look(lambda connection: connection.execute(query).scalar() or 0)

    async def propose(self, tenant_id: str, found: Sequence[FoundPair], revision: int) -> None:
        def work(connection: Connection) -> None:
            ids = {number for each in found for number in each.key}
            there = {row.entity_id for row in matching(connection, entities, tenant_id, (entities.c.entity_id,), numbers(ids))}
            wanted = {each.key: each for each in found if there.issuperset(each.key)}
            known = {pair.key: pair for pair in _pairs(connection, tenant_id, wanted)}
            changed = [each for key, each in wanted.items() if key in known and known[key].content_hash != each.content_hash]
            if changed:
                connection.execute(_CHANGED, [_change(tenant_id, each) for each in changed])
            new = [each for key, each in wanted.items() if key not in known]
            if new:
                room = MAX_OPEN - connection.execute(_undecided(tenant_id, func.count()).where(_stand(tenant_id))).scalar_one()
                insert_in_thread(connection, identity_pairs, [_values(tenant_id, each) for each in new[: max(0, room)]])
            first = upsert(connection.dialect.name, identity_positions).values(tenant_id=tenant_id, revision=revision)
            connection.execute(first.on_conflict_do_update(index_elements=["tenant_id"], set_={"revision": revision}))

        await self._database.transact(work)

    async def claim(self, tenant_id: str, now_us: int, until_us: int) -> Pair | None:
        is_due = (_P.state == "waiting", _P.next_at <= now_us)
        # Another node that asks meanwhile takes the next one.
        query = (
            _undecided(tenant_id, *identity_pairs.c)
            .where(*is_due, _stand(tenant_id))
            .order_by(_P.similarity.desc(), _P.one_id, _P.other_id)
        )
        first = query.limit(1).with_for_update(skip_locked=True)

        def work(connection: Connection) -> Pair | None:
            row = connection.execute(first).first()
            if row is None:
                return None
            asked = {"next_at": until_us, "asked_at": now_us, "attempts": row.attempts + 1}
            its_row = (_P.tenant_id == tenant_id, _P.one_id == row.one_id, _P.other_id == row.other_id)
            connection.execute(update(identity_pairs).where(*its_row).values(**asked))
            return _pair(row, row.attempts + 1)

        return await self._database.transact(work)

    async def judged(self, tenant_id: str, pair: Pair, verdict: Verdict, reason: str, by: str) -> None:
        await self._note(tenant_id, pair, {"state": "judged", "verdict": verdict, "reason": reason, "judged_by": by, "next_at": None})

    async def unanswered(self, tenant_id: str, pair: Pair, next_at_us: int | None) -> None:
        await self._note(tenant_id, pair, {"state": "failed" if next_at_us is None else "waiting", "next_at": next_at_us})

    async def _note(self, tenant_id: str, pair: Pair, values: dict[str, Any]) -> None:
        its_row = (_P.tenant_id == tenant_id, _P.one_id == pair.key.one_id, _P.other_id == pair.key.other_id)
        # What was forgotten meanwhile, or changed, is not what was asked about: its attempts begin anew.
        as_asked = (_P.content_hash == pair.content_hash, _P.attempts == pair.attempts)
        async with self._database.write() as connection:
            await connection.execute(update(identity_pairs).where(*its_row, *as_asked).values(**values))

    async def asked_since(self, tenant_id: str, since_us: int) -> int:
        query = select(func.count()).where(_P.tenant_id == tenant_id, _P.asked_at >= since_us)
        return await self._database.look(lambda connection: connection.execute(query).scalar_one())

    async def open(self, tenant_id: str, limit: int) -> Sequence[Pair]:
        by_verdict = case({"same": 0, "unsure": 1, "": 2}, value=_P.verdict, else_=3)
        standing = _undecided(tenant_id, *identity_pairs.c).where(_stand(tenant_id))
        query = standing.order_by(by_verdict, _P.similarity.desc(), _P.one_id, _P.other_id).limit(limit)
        return await self._database.look(lambda connection: [_pair(row) for row in connection.execute(query)])

    async def decided(self, tenant_id: str, limit: int) -> Sequence[Pair]:
        query = select(identity_pairs).where(_P.tenant_id == tenant_id, _P.decision != "").order_by(_P.decided_at.desc()).limit(limit)
        return await self._database.look(lambda connection: [_pair(row) for row in connection.execute(query)])

    async def pairs(self, tenant_id: str, keys: Collection[PairKey]) -> Sequence[Pair]:
        return await self._database.look(lambda connection: _pairs(connection, tenant_id, keys))


def _undecided(tenant_id: str, *columns: Any) -> Any:
    return select(*columns).where(_P.tenant_id == tenant_id, _P.decision == "")


def _stand(tenant_id: str) -> ColumnElement[bool]:
    """Return the condition that both stand for themselves: of one that is merged into another, that one is proposed."""
    e = entities.c
    merged = exists().where(e.tenant_id == tenant_id, e.entity_id.in_([_P.one_id, _P.other_id]), e.merged_into.is_not(None))
    return ~merged


def _pairs(connection: Connection, tenant_id: str, keys: Collection[PairKey]) -> list[Pair]:
    rows = matching(connection, identity_pairs, tenant_id, (_P.one_id, _P.other_id), [tuple(key) for key in keys])
    return [_pair(row) for row in rows]


def _pair(row: Row[Any], attempts: int | None = None) -> Pair:
    return Pair(
        key=PairKey(row.one_id, row.other_id),
        similarity=row.similarity,
        content_hash=row.content_hash,
        verdict=row.verdict,
        reason=row.reason,
        judged_by=row.judged_by,
        decision=row.decision,
        decided_by=row.decided_by,
        attempts=row.attempts if attempts is None else attempts,
    )


def _state(found: FoundPair) -> str:
    return "left" if found.is_in_conflict else "waiting"


def _values(tenant_id: str, found: FoundPair) -> dict[str, Any]:
    key = {"tenant_id": tenant_id, "one_id": found.key.one_id, "other_id": found.key.other_id}
    content = {"similarity": found.similarity, "content_hash": found.content_hash, "state": _state(found), "next_at": 0}
    return {**key, **content, "asked_at": None, **FRESH, **UNDECIDED}


def _change(tenant_id: str, found: FoundPair) -> dict[str, Any]:
    key = {"of": tenant_id, "one": found.key.one_id, "other": found.key.other_id}
    return {**key, "new_similarity": found.similarity, "new_hash": found.content_hash, "new_state": _state(found)}
