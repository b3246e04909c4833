"""A tenant that names an embeddings model: its facts and passages are found by that model's vectors, on its own bill."""

from pathlib import Path

import anyio
import pytest

from capability_index.encoders.manifest import SHIPPED
from server.assembly.context_plane.models import READER
from server.commands.doctor import DoctorFinding, vectors_findings
from tests.gateway import add_person, token_for
from tests.server.context_vectors.conftest import World, world_of
from tests.server.context_vectors.embeddings_provider import DIMENSION_BY_MODEL, EmbeddingsProvider
from tests.waiting import until
from tools.context_plane.indexing import live_indexes, rows_to_fill, vector_filling
from tools.context_plane.indexing.live_index import SEGMENT

ABOUT_A, ABOUT_B = "about-a/8", "about-b/12"
SAID = ("Kahuna", "mood", "quuxley")
#: means "quuxley" to the models, and nothing to words and table
QUESTION = "blorpish"


async def known(world: World, *facts: tuple[str, str, str], tenant: str = "acme", space: str = ABOUT_A) -> None:
    """Tell facts, and wait until all have their vectors."""
    await world.tell(*(facts or (SAID,)), tenant=tenant)
    await world.ask(QUESTION, tenant)
    await world.until_filled(space, tenant)


async def test_a_fact_is_found_by_what_the_model_knows_and_the_explanation_says_so(world: World) -> None:
    """Issue: embeddings by endpoint, opt-in per tenant; each call in the ledger."""
    await world.name(acme="one/about-a")
    await known(world)
    found = await world.ask(QUESTION)
    assert found["facts"][0]["value"] == "quuxley"
    assert "without_vectors" not in found
    explained = await world.explain(QUESTION)
    assert explained["space"] == ABOUT_A
    assert explained["scores"]["model_cosine"] > 0.9
    calls = await world.calls()
    assert {(call.user, call.provider, call.status) for call in calls} == {(READER, "one", 200)}
    assert calls[0].cache == "hit", "the question was asked before"
    assert await world.calls("globex") == []


async def test_a_passage_is_found_by_what_the_model_knows(world: World) -> None:
    await world.name(acme="one/about-a")
    indexes = world.gateway.context.documents.indexes
    await world.upload("herbs.md", "# Herbs\n\nThe quuxley grows in the shade.")
    for number in range(12):
        await world.upload(f"lease-{number}.md", f"# Lease {number}\n\nThe tenant of house {number} gives notice of {number} weeks.")
    await world.post("rag/search", {"query": QUESTION})
    await world.until_filled(ABOUT_A, indexes=indexes)
    found = await world.post("rag/search", {"query": QUESTION, "limit": 3})
    assert found["passages"][0]["name"] == "herbs.md"
    assert "without_vectors" not in found
    answered = await world.post("rag/query", {"query": QUESTION, "limit": 1})
    assert answered["citations"][0]["name"] == "herbs.md"
    assert world.provider.texts["about-a"].count("herbs.md\nHerbs\n# Herbs\n\nThe quuxley grows in the shade.") == 1


async def test_words_and_table_answer_while_vectors_are_made_and_new_facts_are_found_at_once(
    world: World, provider: EmbeddingsProvider
) -> None:
    await world.name(acme="one/about-a")
    provider.opened.clear()
    await world.tell(SAID)
    early = await world.ask("mood of Kahuna")
    assert early["facts"][0]["value"] == "quuxley"
    assert early["without_vectors"] == "vectors of about-a are being made"
    assert (await world.explain("mood of Kahuna"))["space"] == SHIPPED
    await until(lambda: provider.waiting > 0)
    provider.opened.set()
    await world.until_filled(ABOUT_A)
    provider.opened.clear()
    await world.post("context/facts", {"facts": [{"subject": "Orinoco", "predicate": "mood", "value": "zorbitz"}]})
    provider.opened.set()
    assert (await world.ask("mood of Orinoco"))["facts"][0]["value"] == "zorbitz"
    await world.until_filled(ABOUT_A)
    assert (await world.ask("snargly"))["facts"][0]["value"] == "zorbitz"


async def test_what_comes_while_vectors_are_made_gets_its_own_unasked(
    world: World, provider: EmbeddingsProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_indexes, "SAVE_AFTER_S", 3_600.0)
    await world.name(acme="one/about-a")
    provider.opened.clear()
    await world.tell(SAID)
    await world.ask(QUESTION)
    await until(lambda: provider.waiting > 0)
    await world.post("context/facts", {"facts": [{"subject": "Orinoco", "predicate": "mood", "value": "zorbitz"}]})
    held = world.gateway.context.facts._open["acme"]
    await until(lambda: held.index.count(SEGMENT) == 14)
    provider.opened.set()
    await until(lambda: world.spaces() == {ABOUT_A: 14})


async def test_each_tenants_texts_go_to_its_own_model_alone(world: World, provider: EmbeddingsProvider) -> None:
    await world.name(acme="one/about-a", globex={"context_embeddings": "one/about-b", "context_dimensions": 5})
    await known(world)
    await known(world, ("Initech", "mood", "zorbitz"), tenant="globex", space="about-b:5/5")
    assert (await world.ask("snargly", "globex"))["facts"][0]["value"] == "zorbitz"
    assert not [text for text in provider.texts["about-a"] if "Initech" in text]
    assert not [text for text in provider.texts["about-b"] if "Kahuna" in text]
    assert {body.get("dimensions") for body in provider.bodies} == {None, 5}
    assert {call.requested for call in await world.calls("globex")} == {"one/about-b"}


async def test_another_model_or_none_takes_the_place_of_the_first_and_leaves_nothing_of_it(world: World) -> None:
    await world.name(acme="one/about-a")
    await known(world)
    await world.name(acme="one/about-b")
    between = await world.ask("mood of Kahuna")
    assert between["facts"][0]["value"] == "quuxley"
    assert "about-b" in between["without_vectors"]
    await world.until_filled(ABOUT_B)
    assert (await world.explain(QUESTION))["space"] == ABOUT_B
    await world.name()
    assert "without_vectors" not in await world.ask("mood of Kahuna")
    await until(lambda: world.spaces() == {})
    assert (await world.explain("mood of Kahuna"))["space"] == SHIPPED


async def test_a_restart_asks_for_no_vector_again(tmp_path: Path, provider: EmbeddingsProvider) -> None:
    async with world_of(tmp_path, provider) as world:
        await world.name(acme="one/about-a")
        await known(world)
    before = len(provider.texts["about-a"])
    async with world_of(tmp_path, provider) as again:
        assert (await again.ask(QUESTION))["facts"][0]["value"] == "quuxley"
        assert (await again.explain(QUESTION))["space"] == ABOUT_A
        assert await anyio.to_thread.run_sync(again.gateway.context.facts.written_vectors, "acme") == (13, {ABOUT_A: 13})
    assert provider.texts["about-a"][before:] == [QUESTION]


@pytest.mark.parametrize("status", [500, 401, 429])
async def test_an_endpoint_that_fails_costs_the_vectors_alone(world: World, provider: EmbeddingsProvider, status: int) -> None:
    await world.name(acme="one/about-a")
    provider.status = status
    await world.tell(SAID)
    found = await world.ask("mood of Kahuna")
    assert found["facts"][0]["value"] == "quuxley"
    filling = world.gateway.context.facts.filling
    await until(lambda: bool(filling.trouble_of("acme")))
    assert "about-a" in filling.trouble_of("acme")
    provider.status = 200
    await world.until_filled(ABOUT_A)
    await until(lambda: filling.trouble_of("acme") == "")
    provider.status = status
    down = await world.ask("Kahuna mood today")
    assert down["facts"][0]["value"] == "quuxley"
    assert "about-a" in down["without_vectors"]
    assert (await world.explain("Kahuna mood now"))["space"] == SHIPPED


async def test_an_endpoint_that_is_silent_holds_no_question_longer_than_its_time(
    world: World, provider: EmbeddingsProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.name(acme="one/about-a")
    await known(world)
    provider.opened.clear()
    monkeypatch.setattr("tools.context_plane.indexing.asked_vectors.QUERY_TIMEOUT_S", 0.2)
    found = await world.ask("mood of Kahuna")
    assert found["facts"][0]["value"] == "quuxley"
    assert found["without_vectors"] == "about-a did not answer within 0.2 s"
    provider.opened.set()


async def test_a_text_that_the_model_refuses_keeps_no_other_from_its_vector(world: World) -> None:
    await world.name(acme="one/about-a")
    await world.tell(SAID, ("Orinoco", "mood", "venomix"))
    await world.ask("mood")
    await until(lambda: world.spaces() == {ABOUT_A: 13})
    assert (await world.ask(QUESTION))["facts"][0]["value"] == "quuxley"
    assert "venomix" in [each["value"] for each in (await world.ask("mood of Orinoco"))["facts"]]


async def test_doctor_asks_the_model_and_says_how_many_rows_have_vectors(world: World, provider: EmbeddingsProvider) -> None:
    await world.name(acme="one/about-a")
    await known(world)
    await world.gateway.context.facts._open["acme"].save()
    [finding] = [found async for found in vectors_findings(world.gateway)]
    assert finding == DoctorFinding("embeddings", "acme: 13 of 13 facts and 0 of 0 passages have vectors of about-a")
    provider.status = 401
    world.gateway.context.vectors.forget("acme")
    [failing] = [found async for found in vectors_findings(world.gateway)]
    assert "about-a: the model's door said" in failing.advice
    await world.name()
    assert [found async for found in vectors_findings(world.gateway)] == []


async def test_a_budget_that_is_used_up_ends_the_vectors_and_not_the_answers(world: World, provider: EmbeddingsProvider) -> None:
    await world.name(acme="one/about-a")
    document = (await world.gateway.store.ai_configs.newest()).document
    budget = {"name": "acme-tokens", "tenant": "acme", "window": "day", "tokens": 1}
    await world.gateway.store.ai_configs.put({**document, "budgets": [budget]}, "test")
    await world.gateway.ai_gateway.config.load()
    await world.tell(SAID)
    found = await world.ask("mood of Kahuna")
    assert found["facts"][0]["value"] == "quuxley"
    await until(lambda: "budget_exceeded" in world.gateway.context.facts.filling.trouble_of("acme"))
    assert provider.bodies == []


async def test_a_model_whose_vectors_change_their_size_has_all_made_anew(
    world: World, provider: EmbeddingsProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update under the same name, as with a model on this machine."""
    await world.name(acme="one/about-a")
    await known(world)
    monkeypatch.setitem(DIMENSION_BY_MODEL, "about-a", 6)
    between = await world.ask("mood of Kahuna")
    assert between["facts"][0]["value"] == "quuxley"
    assert between["without_vectors"] == "about-a gives vectors of 6 numbers now, and the rows have about-a/8"
    world.gateway.context.vectors.forget("acme")
    await world.post("context/facts", {"facts": [{"subject": "Orinoco", "predicate": "mood", "value": "zorbitz"}]})
    await world.ask("mood of Orinoco")
    await world.until_filled("about-a/6")
    assert (await world.explain(QUESTION))["space"] == "about-a/6"


async def test_where_there_is_no_room_for_all_vectors_none_more_are_made(
    world: World, provider: EmbeddingsProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_filling, "ROUND", 4)
    monkeypatch.setattr(rows_to_fill, "MAX_VECTOR_BYTES", 100)
    await world.name(acme="one/about-a")
    await world.tell(SAID)
    await world.ask("mood of Kahuna")
    await until(lambda: "13 rows with 8 numbers each are beyond" in world.gateway.context.facts.filling.trouble_of("acme"))
    assert len(provider.texts["about-a"]) == 4
    assert (await world.ask("mood of Kahuna"))["facts"][0]["value"] == "quuxley"


async def test_a_private_fact_has_a_vector_and_is_found_by_its_owner_alone(world: World) -> None:
    await world.name(acme="one/about-a")
    secret = {"subject": "Orinoco", "predicate": "mood", "value": "zorbitz"}
    await world.post("context/facts", {"facts": [secret], "private": True})
    await known(world)
    assert (await world.ask("snargly"))["facts"][0]["value"] == "zorbitz"
    world.tokens["acme"] = await token_for(world.gateway, await add_person(world.gateway, "bob@example.com", "acme"), "acme")
    found = await world.ask("snargly", limit=20)
    assert "zorbitz" not in [each["value"] for each in found["facts"]]
    assert len(found["facts"]) == 13


async def test_half_of_a_tenants_limit_is_left_to_its_other_calls(
    world: World, provider: EmbeddingsProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its applications share the limit with what nobody waits for."""
    monkeypatch.setattr(vector_filling, "BATCH", 1)
    monkeypatch.setattr(vector_filling, "REQUESTS_AT_ONCE", 1)
    await world.name(limits=[{"tenant": "acme", "requests": 10, "per": "day"}], acme="one/about-a")
    await world.tell(SAID)
    await world.ask("mood of Kahuna")
    await until(lambda: "half of a limit" in world.gateway.context.facts.filling.trouble_of("acme"))
    assert 5 <= len(provider.bodies) <= 6
    assert world.spaces() == {ABOUT_A: len(provider.bodies)}


async def test_a_model_that_takes_one_text_a_request_is_sent_one(world: World, provider: EmbeddingsProvider) -> None:
    """Amazon's Titan."""
    await world.name(acme="bedrock/amazon.titan-embed-text-v2:0")
    await known(world, space="amazon.titan-embed-text-v2:0/8")
    assert (await world.ask(QUESTION))["facts"][0]["value"] == "quuxley"
    assert "Kahuna mood quuxley" in [body["inputText"] for body in provider.bodies]


async def test_half_a_character_in_a_question_costs_no_answer(world: World) -> None:
    await world.name(acme="one/about-a")
    await known(world)
    encoded = await world.gateway.context.vectors.encode("acme", ["quuxley \ud83d"], 20.0)
    assert encoded.shape == (1, 8)
