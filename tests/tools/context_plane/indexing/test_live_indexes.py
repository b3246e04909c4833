"""Indexes follow the store: at once, across processes, over restarts; and what was forgotten leaves every file."""

import time
from pathlib import Path

import anyio

from oauth.principal import Principal
from tests.tools.context_plane.retrieval.conftest import Known, knowing
from tests.tools.context_plane.saying import ADA, fact
from tests.waiting import until
from tools.context_plane.indexing.live_index import SEGMENT
from tools.context_plane.retrieval.fact_corpus import KEPT_US

WORD = b"zanzibarix"
LOCAL = Principal("acme", "", "ascend", ADA.scopes, "", "local")


def files_with_word(folder: Path) -> list[str]:
    return [path.name for path in (folder / "context").rglob("*") if path.is_file() and WORD in path.read_bytes().lower()]


async def saved(known: Known) -> None:
    """Have the tenant's index in files."""
    await known.texts("champion")
    await (await known.plane.facts._of("acme")).save()


async def test_files_of_an_index_that_nobody_asks_lose_what_another_process_forgot(tmp_path: Path) -> None:
    """Context contract §2: done when no store, index or cache holds it; on other nodes as soon as they hear of it."""
    async with knowing(tmp_path) as first:
        await first.say(fact("Zanzibarix", "champion", "Dana"), fact("Kahuna", "champion", "Lee"), source="crm")
        await saved(first)
        assert await anyio.to_thread.run_sync(files_with_word, tmp_path)
    async with knowing(tmp_path) as serving, knowing(tmp_path) as other, anyio.create_task_group() as running:
        running.start_soon(serving.plane.facts.run)
        other.plane.facts._keeps_files = False
        other.plane.facts._directory = tmp_path / "nothing"
        await other.plane.forgetting(LOCAL, {"entity": "Zanzibarix"})
        assert await anyio.to_thread.run_sync(files_with_word, tmp_path), "nobody has told this process yet"
        serving.plane.facts.wake("acme")

        async def is_clean() -> bool:
            return not await anyio.to_thread.run_sync(files_with_word, tmp_path)

        await until(is_clean)
        assert await serving.texts("champion") == ["Kahuna champion Lee"]
        running.cancel_scope.cancel()


async def test_news_that_delete_nothing_open_no_index(tmp_path: Path) -> None:
    async with knowing(tmp_path) as first:
        await first.say(fact("Kahuna", "champion", "Lee"), source="crm")
        await saved(first)
    async with knowing(tmp_path) as known:
        await known.say(fact("Kahuna", "stage", "open"), source="crm")
        known.plane.facts.wake("acme")
        known.plane.facts.wake("globex")
        await known.plane.facts._clean("acme")
        assert not known.plane.facts._open
        assert not known.plane.facts._unlooked
        assert set(await known.texts("Kahuna")) == {"Kahuna champion Lee", "Kahuna stage open"}


async def test_what_was_retired_long_ago_leaves_the_index_and_is_read_from_the_store(tmp_path: Path) -> None:
    """Facts §7.7: 30 days."""
    async with knowing(tmp_path) as known:
        await _retired_long_ago(known)


async def _retired_long_ago(known: Known) -> None:
    await known.one("stage")
    await known.say(fact("Kahuna", "stage", "open", "2026-01-01"), source="crm", source_id="1")
    await known.say(fact("Kahuna", "stage", "won", "2026-03-01"), source="crm", source_id="2")
    await known.texts("stage")
    held = await known.plane.facts._of("acme")
    assert held.index.count(SEGMENT) == 3, "open, without an end; open, until March; won"
    await held.expire()
    assert held.index.count(SEGMENT) == 3
    known.plane.facts._corpus._clock = lambda: time.time() + KEPT_US / 1_000_000 + 60  # type: ignore[attr-defined]  # a day later
    await held.expire()
    assert held.index.count(SEGMENT) == 2
    assert await known.texts("stage of Kahuna", as_of="2026-02-01") == ["Kahuna stage open"]


async def test_a_tenant_without_rows_leaves_no_file_and_costs_no_index(tmp_path: Path) -> None:
    async with knowing(tmp_path) as known:
        known.plane.facts.wake("acme")
        assert not known.plane.facts._open
        assert await known.texts("anything") == []
        assert not await anyio.Path(tmp_path / "context").exists()


async def test_two_processes_that_save_in_turns_leave_files_that_lack_nothing(tmp_path: Path) -> None:
    """The index of one beside the position of another would lose what lies between them, for good."""
    async with knowing(tmp_path) as one, knowing(tmp_path) as other:
        for number in range(6):
            await one.say(fact(f"Company {number}", "champion", f"Dana {number}"), source="crm")
            first, second = await one.plane.facts._of("acme"), await other.plane.facts._of("acme")
            await first.catch_up()
            async with anyio.create_task_group() as group:
                group.start_soon(first.save)
                group.start_soon(second.save)
            await second.catch_up()
    async with knowing(tmp_path) as later:
        assert {text for number in range(6) for text in await later.texts(f"Company {number}")} == {
            f"Company {number} champion Dana {number}" for number in range(6)
        }
