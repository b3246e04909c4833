"""Whatever happens to reservations in whatever order, the counters say what a sheet of paper says."""

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from server.storage.database import Database
from server.storage.metering.budgets import SqlBudgetStore
from tests.empty_store import put_empty_store
from tools.metering.spending import Amount, Charge, Reservation, settled
from tools.metering.stores import Ask, Ceiling

LIMIT = 100
CHARGES = (Charge("one", "", 0), Charge("of openai", "", 0, targets=(("openai", "m"),)))
AMOUNTS = st.integers(0, 60)
#: the n-th reservation that was asked for
NTH = st.integers(0, 7)
STEPS = st.one_of(
    st.tuples(st.just("reserve"), AMOUNTS, st.booleans()),
    st.tuples(st.just("settle"), NTH, AMOUNTS, st.sampled_from(["openai", "other"])),
    st.tuples(st.just("release"), NTH),
    st.tuples(st.just("expire"), NTH),
)


@dataclass
class Paper:
    """What ought to be."""

    spent: list[int] = field(default_factory=lambda: [0, 0])
    held: dict[str, int] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    asked: list[Reservation] = field(default_factory=list)

    def left(self) -> list[tuple[int, int]]:
        return [(spent, sum(self.held.values())) for spent in self.spent]


async def step(store: SqlBudgetStore, paper: Paper, said: tuple[object, ...]) -> None:
    kind, given_number, *more = said
    assert isinstance(given_number, int)
    if kind == "reserve":
        reservation = Reservation(f"res_{len(paper.asked)}", CHARGES, Amount(given_number))
        expires_at_us = len(paper.asked) + 1
        [full] = await store.reserve([Ask(reservation, (Ceiling(LIMIT), Ceiling(LIMIT)), "acme", expires_at_us)])
        fits = [spent + held + given_number <= LIMIT for spent, held in paper.left()]
        assert full == (None if all(fits) else CHARGES[fits.index(False)])
        if full is None:
            paper.asked.append(reservation)
            paper.held[reservation.reservation_id] = given_number
    elif kind == "expire":
        # All that were asked for before the n-th: their time was set by their number.
        assert await store.release_expired(given_number + 1) == sum(int(name[4:]) < given_number for name in paper.held)
        paper.held = {name: held for name, held in paper.held.items() if int(name[4:]) >= given_number}
    elif given_number < len(paper.asked):
        reservation = paper.asked[given_number]
        name = reservation.reservation_id
        if kind == "release":
            await store.release([name])
        else:
            spent, provider = more
            assert isinstance(spent, int)
            await store.settle([settled(reservation, Amount(spent), str(provider), "m")])
            if name not in paper.settled:
                paper.settled.add(name)
                paper.spent = [paper.spent[0] + spent, paper.spent[1] + (spent if provider == "openai" else 0)]
        paper.held.pop(name, None)


async def run(steps: list[tuple[object, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(put_empty_store(Path(folder) / "store.sqlite3"))
        store, paper = SqlBudgetStore(database), Paper()
        for said in steps:
            await step(store, paper, said)
            kept = {each.charge.budget: (each.spent.nano_usd, each.reserved.nano_usd) for each in await store.counters(1)}
            assert [kept.get(charge.budget, (0, 0)) for charge in CHARGES] == paper.left()
        await database.close()


@settings(max_examples=20, deadline=None)
@given(st.lists(STEPS, max_size=25))
def test_counters_say_what_paper_says(steps: list[tuple[object, ...]]) -> None:
    """Reserve, settle (twice, late, with more than was set aside), release, expire: nothing is lost and nothing counted twice."""
    asyncio.run(run(steps))
