"""Time of context_query with `as_of` through its whole path, beside a bare float32 `X @ q` of as many rows in the same run.

    python -m benchmarks.context_query [--facts 100000] [--questions 60] [--crossings 10000]

Goals (context contract §7): at most 8 ms at 100,000 facts and 40 ms at a million on a quiet core, at most 2.0 times `X @ q`; of ten
thousand questions over two tenants with the same words none is answered with a fact of the other. The path: entities and filters,
the index, 50 candidates from the store, their order, ten facts with their sources, the answer as JSON. A million needs 4 GB.

Each question is asked twice: after the product, which leaves nothing of the index in the processor's cache, and by itself.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when numpy is loaded

import argparse
import hashlib
import statistics
import sys
import tempfile
import time
from pathlib import Path

import anyio
import numpy as np

from benchmarks.index_catalogues import vocabulary
from capability_index.encoders.encoder import load_word_table
from server.assembly.context_plane.context_plane import ContextPlane, assemble_context_plane
from server.assembly.context_plane.documents import assemble_documents
from server.config.load import load
from server.storage.store import open_store
from tools.context_plane.facts import Belief, Claim, Entity, Episode, Fact, Group
from tools.context_plane.identity.names import normal_name
from tools.context_plane.ids import new_id
from tools.context_plane.rag.answers import QuotesOnly
from tools.context_plane.retrieval.asked_facts import read_asked
from tools.context_plane.retrieval.shown_fact import shown_answer
from tools.context_plane.stores import ContextRows, Scope
from tools.egress.client import Egress
from tools.operation import Json

DIMENSION = 256
BATCH = 5_000
#: facts about one subject
OF_ONE = 20
CROSSING_FACTS = 2_000
DAY_US = 86_400_000_000


class MadeUp:
    """Facts of common and rare words, with windows of which three in four hold on the day that is asked about."""

    def __init__(self, seed: int) -> None:
        self._words = vocabulary()
        self._chance = np.random.default_rng(seed)

    def words(self, count: int) -> str:
        return " ".join(self._words[int(len(self._words) * self._chance.random() ** 3)] for _ in range(count))

    def batch(self, count: int) -> tuple[list[Entity], list[Episode], list[Claim], list[Fact]]:
        entities, episodes, claims, facts = [], [], [], []
        now_us = time.time_ns() // 1000
        for place in range(count):
            if place % OF_ONE == 0:
                name = self.words(2)
                entities.append(Entity(new_id(), "thing", name, normal_name(name)))
                digest = hashlib.sha256(f"{name}{new_id()}".encode()).hexdigest()
                episodes.append(Episode(new_id(), "", "benchmark", digest[:12], digest, "record", now_us, now_us))
            subject, episode = entities[-1], episodes[-1]
            predicate, value = self.words(1), self.words(6)
            begin = now_us - int(self._chance.integers(1, 2_000)) * DAY_US
            end = None if self._chance.random() < 0.75 else begin + DAY_US
            claim = Claim(
                new_id(), episode.episode_id, "", subject.entity_id, predicate, None, value, begin, end, 1.0, "record", now_us, now_us
            )
            belief = Belief(None, value, begin, end, 1.0, "believed", (claim.claim_id,))
            claims.append(claim)
            facts.append(Fact(new_id(), Group("", subject.entity_id, predicate), belief, f"{subject.name} {predicate} {value}", now_us))
        return entities, episodes, claims, facts


async def fill(plane: ContextPlane, tenant_id: str, made_up: MadeUp, count: int) -> None:
    for begun in range(0, count, BATCH):
        entities, episodes, claims, facts = made_up.batch(min(BATCH, count - begun))

        def work(rows: ContextRows) -> None:
            rows.add_entities(entities, [])  # noqa: B023
            rows.add_episodes(episodes)  # noqa: B023
            rows.add_claims(claims)  # noqa: B023
            rows.add_facts(facts)  # noqa: B023

        await plane.store.context.change(tenant_id, work)


async def ask(plane: ContextPlane, tenant_id: str, query: str, as_of: str = "2026-11-01") -> dict[str, Json]:
    asked = read_asked({"query": query, "as_of": as_of}, plane.query.now_us())
    return shown_answer(await plane.query.answer(Scope(tenant_id, "ada"), asked), asked.max_chars)


async def measure(plane: ContextPlane, made_up: MadeUp, facts: int, questions: int) -> float:
    began = time.perf_counter()
    await fill(plane, "acme", made_up, facts)
    between = time.perf_counter()
    answer = await ask(plane, "acme", "anything")
    while answer.get("index_behind"):
        answer = await ask(plane, "acme", "anything")
    indexed = time.perf_counter() - between
    print(f"{facts:,} facts: written {facts / (between - began):,.0f}/s, indexed {facts / indexed:,.0f}/s")
    matrix = np.random.default_rng(3).standard_normal((facts, DIMENSION), dtype=np.float32)
    out = np.empty(facts, np.float32)
    asked = [f"who or what is {made_up.words(int(size))}" for size in np.random.default_rng(5).integers(2, 7, questions)]
    for query in asked:
        await ask(plane, "acme", query)
    whole: list[float] = []
    bare: list[float] = []
    alone: list[float] = []
    for query in asked * 3:
        began = time.perf_counter()
        np.dot(matrix, matrix[len(whole) % facts], out=out)
        between = time.perf_counter()
        await ask(plane, "acme", query)
        answered = time.perf_counter()
        await ask(plane, "acme", query)
        alone.append((time.perf_counter() - answered) * 1e3)
        bare.append((between - began) * 1e3)
        whole.append((answered - between) * 1e3)
    middle, bare_ms = statistics.median(whole), statistics.median(bare)
    least, least_bare = min(whole), min(bare)
    print(
        f"context_query with as_of: p50 {middle:.2f} ms, p95 {float(np.percentile(whole, 95)):.2f}, best {least:.2f};"
        f" X @ q p50 {bare_ms:.2f}, best {least_bare:.2f}; ratio {middle / bare_ms:.2f} (best {least / least_bare:.2f})"
    )
    print(f"without a product before it: p50 {statistics.median(alone):.2f} ms, best {min(alone):.2f}")
    return middle


async def crossings(plane: ContextPlane, questions: int) -> int:
    """Return how many of the questions were answered with a fact of the other tenant."""
    known: dict[str, set[str]] = {}
    made_up = {tenant_id: MadeUp(11) for tenant_id in ("one", "other")}
    for tenant_id, words in made_up.items():
        await fill(plane, tenant_id, words, CROSSING_FACTS)
        known[tenant_id] = {each.fact.text for each in (await plane.store.context.facts_since(tenant_id, 0, 10_000)).facts}
    assert known["one"] == known["other"], "the same words"
    ids = {
        tenant_id: {each.fact.fact_id for each in (await plane.store.context.facts_since(tenant_id, 0, 10_000)).facts}
        for tenant_id in made_up
    }
    crossed = 0
    words = MadeUp(12)
    for number in range(questions):
        tenant_id = ("one", "other")[number % 2]
        asked = read_asked({"query": words.words(3)}, plane.query.now_us())
        answer = await plane.query.answer(Scope(tenant_id, "ada"), asked)
        crossed += not {each.known.fact.fact_id for each in answer.facts} <= ids[tenant_id]
    return crossed


async def run(facts: int, questions: int, crossed: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        settings = load(Path(folder), {})
        table = load_word_table()
        async with open_store(settings) as store, Egress() as egress:
            documents = assemble_documents(settings, store, egress, lambda: table, lambda: None, QuotesOnly())
            plane = assemble_context_plane(settings, store, lambda: table, lambda: None, documents=documents)
            await measure(plane, MadeUp(7), facts, questions)
            if not crossed:
                return 0
            found = await crossings(plane, crossed)
            print(f"{crossed:,} questions over two tenants with the same words: {found} crossings")
            return 1 if found else 0


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--facts", type=int, default=100_000)
    arguments.add_argument("--questions", type=int, default=60)
    arguments.add_argument("--crossings", type=int, default=10_000)
    given = arguments.parse_args()
    return anyio.run(run, given.facts, given.questions, given.crossings)


if __name__ == "__main__":
    sys.exit(main())
