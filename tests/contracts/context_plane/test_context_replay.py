"""Any sequence of what changes belief leaves what all claims come to, and what was believed at any time can be read again."""

import random
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from server.storage.context_plane.context_store import SqlContextStore
from server.storage.context_plane.fact_rows import fact_of
from server.storage.database import Database
from server.storage.schema import context_tables
from tests.contracts.databases import empty_database, url_of
from tests.tools.context_plane.saying import ADA, fact, say
from tools.context_plane.beliefs.beliefs_of import beliefs_of
from tools.context_plane.errors import ContextRefused
from tools.context_plane.facts import Belief, Cardinality, Claim, Group
from tools.context_plane.forgetting.forgetting import Forgetting
from tools.context_plane.identity.merging import merge, unmerge
from tools.context_plane.ids import FACT, id_text
from tools.context_plane.predicates import declare
from tools.context_plane.retraction import context_retract

NAMES = ("Kahuna", "Kahuna Group", "Wave")
PREDICATES = ("stage", "owner")
STEPS = 14

#: what is believed, without the numbers of rows
Believed = frozenset[tuple[Group, Belief]]


class World:
    """A store, and sequences of random changes to it."""

    def __init__(self, database: Database, seed: int) -> None:
        self._database = database
        self.store = SqlContextStore(database)
        self._chance = random.Random(seed)
        self._said = 0

    async def change(self, kinds: tuple[str, ...]) -> None:
        """Make one random change of one of these kinds; what is refused changes nothing."""
        try:
            await getattr(self, f"_{self._chance.choice(kinds)}")()
        except ContextRefused as refused:
            assert refused.failure.code in ("conflict", "bad_time", "not_found")  # noqa: PT017  what else is refused is a fault

    async def _say(self) -> None:
        self._said += 1
        facts = [fact(self._thing(), self._chance.choice(PREDICATES), self._value(), *self._window()) for _ in range(3)]
        is_private = self._chance.random() < 0.2
        source, occurred_at = self._chance.choice(("crm", "gong")), f"2026-01-0{self._chance.randint(1, 3)}"
        await say(self.store, *facts, private=is_private, source=source, source_id=str(self._said), occurred_at=occurred_at)

    async def _retract(self) -> None:
        believed = [each for each in await self.facts() if each.retired_at_us is None]
        if believed:
            chosen = self._chance.choice(believed)
            at = {"at": f"2026-02-{self._chance.randint(1, 28):02}"} if self._chance.random() < 0.5 else {}
            await context_retract(self.store, ADA, {"fact_id": id_text(FACT, chosen.fact_id), **at})

    async def _merge(self) -> None:
        one, other = self._chance.sample(sorted(await self.merged_into()), 2) if len(await self.merged_into()) > 1 else (0, 0)
        await self.store.change("acme", lambda rows: merge(rows, one, other, "ada"))

    async def _part(self) -> None:
        merged = [each for each, into in (await self.merged_into()).items() if into is not None]
        if merged:
            chosen = self._chance.choice(sorted(merged))
            await self.store.change("acme", lambda rows: unmerge(rows, chosen))

    async def _declare(self) -> None:
        predicate = self._chance.choice(PREDICATES)
        cardinality: Cardinality = "one" if self._chance.random() < 0.5 else "many"
        await self.store.change("acme", lambda rows: declare(rows, predicate, cardinality))

    async def _forget(self) -> None:
        await Forgetting(self.store)(ADA, {"source": self._chance.choice(("crm", "gong"))})

    def _thing(self) -> Any:
        return {"kind": "account", "name": self._chance.choice(NAMES)}

    def _value(self) -> Any:
        return self._thing() if self._chance.random() < 0.4 else self._chance.choice("abc")

    def _window(self) -> tuple[str | None, str | None]:
        begin, end = sorted(self._chance.sample(range(1, 29), 2))
        return (
            None if self._chance.random() < 0.2 else f"2026-02-{begin:02}",
            None if self._chance.random() < 0.6 else f"2026-02-{end:02}",
        )

    async def facts(self) -> list[Any]:
        async with self._database.read() as connection:
            return [fact_of(row) for row in await connection.execute(select(context_tables.facts))]

    async def merged_into(self) -> Mapping[int, int | None]:
        async with self._database.read() as connection:
            return {row.entity_id: row.merged_into for row in await connection.execute(select(context_tables.entities))}

    async def from_scratch(self) -> Believed:
        """Return what all claims on record come to, worked out without the store's help."""
        into = await self.merged_into()
        async with self._database.read() as connection:
            rows = (await connection.execute(select(context_tables.claims))).all()
            ones = {row.name for row in await connection.execute(select(context_tables.predicates)) if row.cardinality == "one"}
        claims_by_group = defaultdict[Group, list[Claim]](list)
        for row in rows:
            claim = Claim(
                claim_id=row.claim_id,
                episode_id=row.episode_id,
                audience=row.audience,
                subject_id=_root(row.subject_id, into),
                predicate=row.predicate,
                object_id=None if row.object_id is None else _root(row.object_id, into),
                value=row.value,
                valid_from_us=row.valid_from,
                valid_to_us=row.valid_to,
                confidence=row.confidence,
                method=row.method,
                occurred_at_us=row.occurred_at,
                recorded_at_us=row.recorded_at,
                withdrawn_at_us=row.withdrawn_at,
            )
            claims_by_group[claim.group].append(claim)
        return frozenset(
            (group, belief)
            for group, claims in claims_by_group.items()
            for belief in beliefs_of(claims, "one" if group.predicate in ones else "many")
        )

    async def believed_at(self, time_us: int) -> Believed:
        begun = (each for each in await self.facts() if each.recorded_at_us <= time_us)
        standing = (each for each in begun if each.retired_at_us is None or time_us < each.retired_at_us)
        return frozenset((each.group, each.belief) for each in standing)

    async def now_us(self) -> int:
        """Return the time of the last change."""
        async with self._database.read() as connection:
            return int(await connection.scalar(select(context_tables.context_totals.c.changed_at)) or 0)


def _root(entity_id: int, into: Mapping[int, int | None]) -> int:
    while (parent := into.get(entity_id)) is not None:
        entity_id = parent
    return entity_id


@pytest.mark.parametrize("seed", range(6))
async def test_what_was_believed_at_any_time_is_read_exactly(tmp_path: Path, request: pytest.FixtureRequest, seed: int) -> None:
    """Context contract §1: believed at K."""
    async with empty_database(url_of("sqlite", request, tmp_path)) as database:
        world = World(database, seed)
        seen = dict[int, Believed]()
        for _ in range(STEPS):
            await world.change(("say", "say", "retract", "merge", "part", "declare"))
            now = await world.from_scratch()
            at = await world.now_us()
            assert await world.believed_at(at) == now
            seen[at] = now
        for at, believed in seen.items():
            assert await world.believed_at(at) == believed


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_what_is_forgotten_leaves_what_the_rest_comes_to(tmp_path: Path, request: pytest.FixtureRequest, kind: str) -> None:
    """Facts of other systems §2.4: exact forgetting."""
    async with empty_database(url_of(kind, request, tmp_path)) as database:
        world = World(database, 14)
        for _ in range(3 * STEPS):
            await world.change(("say", "say", "say", "retract", "merge", "part", "declare", "forget"))
            assert await world.believed_at(await world.now_us()) == await world.from_scratch()
        claims = set(await _claim_ids(database))
        assert {each for one in await world.facts() for each in one.belief.claim_ids} <= claims


async def _claim_ids(database: Database) -> list[int]:
    async with database.read() as connection:
        return list((await connection.execute(select(context_tables.claims.c.claim_id))).scalars())
