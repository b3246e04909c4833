"""What was forgotten is sent to no model any more, and no vector of it is left: in the index, its files, the AI gateway's cache."""

from pathlib import Path

import anyio

from tests.server.context_vectors.conftest import World, world_of
from tests.server.context_vectors.embeddings_provider import EmbeddingsProvider
from tests.server.context_vectors.test_found_by_vectors import ABOUT_A, QUESTION, SAID, known
from tests.waiting import until
from tools.ai_gateway.caching.kept_answers import KeptAnswers

OTHER = ("Orinoco", "mood", "zorbitz")


async def forget(world: World, entity: str) -> None:
    """Forget somebody, and say yes to it."""
    headers = {"authorization": f"Bearer {world.tokens['acme']}"}
    asked = await world.http.post("/v1/context/forget", json={"entity": entity}, headers=headers)
    await world.post("context/forget", {"entity": entity, "confirm": asked.json()["confirm"]})


def kept_vectors(world: World, tenant: str = "acme") -> int:
    kept: KeptAnswers = world.gateway.ai_gateway.calls.cache.kept
    part = kept._by_tenant.get(tenant)
    return 0 if part is None else sum(each.is_vector for _key, each in part.items())


def left_in(folder: Path, words: list[bytes]) -> list[tuple[str, bytes]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [(path.name, word) for path in files for word in words if word in path.read_bytes().lower()]


async def test_forgetting_takes_vectors_out_of_index_files_and_cache(world: World, tmp_path: Path) -> None:
    """Context contract §2, `context_forget`: done when no store, index or cache holds it."""
    await world.name(acme="one/about-a", globex="one/about-a")
    await known(world, SAID, OTHER)
    await known(world, tenant="globex")
    await world.ask(QUESTION)
    await world.gateway.context.facts._open["acme"].save()
    assert kept_vectors(world) == 15, "fourteen facts and a question"
    await forget(world, "Kahuna")
    assert kept_vectors(world) == 0
    assert kept_vectors(world, "globex") > 0
    written = await anyio.to_thread.run_sync(world.gateway.context.facts.written_vectors, "acme")
    assert written == (13, {ABOUT_A: 13})
    part = world.gateway.context.facts._open["acme"].index._segments["rows"].shards
    assert sum(len(shard.part) for shard in part) == 13
    assert (await world.ask("snargly"))["facts"][0]["value"] == "zorbitz"
    assert (await world.ask(QUESTION, "globex"))["facts"][0]["value"] == "quuxley", "what another tenant knows is its own"


async def test_what_is_forgotten_while_it_waits_for_its_vector_is_never_sent_again(
    world: World, provider: EmbeddingsProvider, tmp_path: Path
) -> None:
    await world.name(acme="one/about-a")
    provider.opened.clear()
    await world.tell(("Zanzibarix", "mood", "quuxley"), OTHER)
    await world.ask("mood of Zanzibarix")
    await until(lambda: provider.waiting > 0)
    await forget(world, "Zanzibarix")
    await until(lambda: provider.left > 0)
    sent = len(provider.texts["about-a"])
    provider.opened.set()
    await world.until_filled(ABOUT_A)
    assert not [text for text in provider.texts["about-a"][sent:] if "zanzibarix" in text.lower()]
    assert await anyio.to_thread.run_sync(left_in, tmp_path, [b"quuxley", b"zanzibarix"]) == []


async def test_what_another_process_forgets_leaves_the_cache_of_this_one(tmp_path: Path, provider: EmbeddingsProvider) -> None:
    async with world_of(tmp_path, provider) as first:
        await first.name(acme="one/about-a")
        await known(first, SAID, OTHER)
        async with world_of(tmp_path, provider) as second:
            await second.ask(QUESTION)
            await forget(second, "Kahuna")
        await until(lambda: kept_vectors(first) == 0)
        await until(lambda: first.spaces() == {ABOUT_A: 13})


async def test_a_document_that_is_deleted_takes_its_vectors_along(world: World) -> None:
    await world.name(acme="one/about-a")
    indexes = world.gateway.context.documents.indexes
    document_id = await world.upload("herbs.md", "# Herbs\n\nThe quuxley grows in the shade.")
    await world.upload("lease.md", "# Lease\n\nThe tenant gives notice of three months.")
    await world.post("rag/search", {"query": QUESTION})
    await world.until_filled(ABOUT_A, indexes=indexes)
    headers = {"authorization": f"Bearer {world.tokens['acme']}"}
    asked = await world.http.delete(f"/v1/rag/documents/{document_id}", headers=headers)
    confirmed = {"confirm": asked.json()["confirm"]}
    done = await world.http.delete(f"/v1/rag/documents/{document_id}", params=confirmed, headers=headers)
    assert done.status_code == 200, done.text
    await until(lambda: kept_vectors(world) == 0)
    await world.until_filled(ABOUT_A, indexes=indexes)
    assert world.spaces(indexes=indexes) == {ABOUT_A: 1}
