"""Two tenants with the same words: nothing of one is ever answered to the other, nor counts in its scores."""

import random

from tests.tools.context_plane.retrieval.conftest import EVE, Known
from tests.tools.context_plane.saying import ADA, fact
from tools.context_plane.indexing.live_index import SEGMENT
from tools.context_plane.retrieval.fact_filter import FactFilter

WORDS = ["champion", "stage", "owner", "budget", "risk", "competitor", "renewal", "pilot", "security", "legal", "price", "timeline"]
NAMES = [f"{first} {second}" for first in ("Kahuna", "Globex", "Initech", "Umbrella") for second in ("North", "South", "East", "West")]
#: `python -m benchmarks context_query` asks ten thousand
QUERIES = 2_000


async def test_of_thousands_of_questions_none_crosses_and_the_other_tenant_changes_no_score(known: Known) -> None:
    """Context contract §7: tenant crossing 0 of 10,000; §6: statistics never cross."""
    chance = random.Random(14)
    said = [
        fact(name, word, f"{chance.choice(WORDS)} {chance.choice(NAMES)}", f"2026-01-{1 + n % 28:02}")
        for n, name in enumerate(NAMES)
        for word in WORDS
    ]
    await known.say(*said, source="crm")
    alone = await known.ask("champion budget Kahuna North")
    await known.say(*[{**each, "value": f"theirs {each['value']}"} for each in said], *said, by=EVE, source="crm")
    assert [each["score"] for each in (await known.ask("champion budget Kahuna North"))["facts"]] == [
        each["score"] for each in alone["facts"]
    ]

    rows = {
        by: {each.fact.fact_id for each in (await known.plane.store.context.facts_since(by.tenant_id, 0, 5_000)).facts} for by in (ADA, EVE)
    }
    indexes = {by: (await known.plane.facts._of(by.tenant_id)).index for by in (ADA, EVE)}
    for by in (ADA, EVE):
        await known.ask("champion", by)  # the index is in step
    assert rows[ADA].isdisjoint(rows[EVE])
    for number in range(QUERIES):
        by = (ADA, EVE)[number % 2]
        query = " ".join(chance.choices([*WORDS, *NAMES, "theirs"], k=chance.randint(1, 6)))
        [mask] = FactFilter(("", by.subject), known.plane.query.now_us()).masks()
        found = indexes[by].search(SEGMENT, query, mask, 10, 10)
        assert found.hits
        assert {hit.row for hit in found.hits} <= rows[by]
    for number in range(60):
        by, other = (ADA, EVE) if number % 2 else (EVE, ADA)
        answer = await known.ask(" ".join(chance.choices([*WORDS, *NAMES], k=3)), by)
        shown = {each["id"] for each in answer["facts"]}
        assert shown
        assert shown.isdisjoint({each["id"] for each in (await known.ask(answer["facts"][0]["text"], other))["facts"]})
