"""What is read beside transactions, in both databases: facts that are not believed any more, those with the words of a question first."""

import time

from server.storage.context_plane.context_store import SqlContextStore
from server.storage.context_plane.knowledge import SqlKnowledgeStore
from server.storage.database import Database
from tests.tools.context_plane.saying import declare_one, fact, say
from tools.context_plane.retrieval.fact_filter import FactFilter


async def test_facts_that_were_retired_come_with_the_words_of_the_question_first(sql_database: Database) -> None:
    store, knowledge = SqlContextStore(sql_database), SqlKnowledgeStore(sql_database)
    await declare_one(store, "champion", "stage")
    await say(store, fact("Kahuna", "champion", "Dana", "2026-01-01"), source="1")
    await say(store, fact("Wave", "stage", "open", "2026-01-01"), fact("Wave", "champion", "Lee", "2026-01-01"), source="2")
    await say(store, fact("Kahuna", "champion", "Eve", "2026-01-01"), source="diary", private=True)
    then = time.time_ns() // 1000
    await say(store, fact("Kahuna", "champion", "Omar", "2025-12-01", "2026-01-02"), fact("Wave", "stage", "won", "2026-02-01"), source="3")
    await say(store, fact("Kahuna", "champion", "Fay", "2026-02-01"), fact("Wave", "champion", "Gil", "2026-02-01"), source="4")
    now = time.time_ns() // 1000 + 1_000_000
    wanted = FactFilter(("",), then)

    async def retired(until_us: int, words: list[str], limit: int = 9) -> list[str]:
        return [each.text for each in await knowledge.retired_facts("acme", wanted, until_us, words, limit)]

    by_words = await retired(now, ["champion", "kahuna"])
    assert by_words == ["Kahuna champion Dana", "Wave champion Lee", "Wave stage open"]
    assert (await retired(now, ["stage"], 1)) == ["Wave stage open"]
    assert len(await retired(now, [])) == 3
    assert await retired(then, ["champion"]) == []
    assert await knowledge.retired_facts("globex", wanted, now, ["champion"], 9) == []
