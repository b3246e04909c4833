"""context_explain: every part of a score, what a fact superseded, and what kept another one out."""

from typing import Any

import pytest

from tests.tools.context_plane.retrieval.conftest import BOB, Known
from tests.tools.context_plane.retrieval.test_fact_query import kahuna
from tests.tools.context_plane.saying import fact
from tools.context_plane.errors import ContextRefused


async def test_every_part_of_a_score_is_named_and_they_add_up(known: Known) -> None:
    await kahuna(known)
    answer = await known.ask("who is the champion at Kahuna")
    explained = await known.explain("who is the champion at Kahuna")
    assert [each["id"] for each in explained["facts"]] == [each["id"] for each in answer["facts"]]
    for rank, (told, answered) in enumerate(zip(explained["facts"], answer["facts"], strict=True), 1):
        scores = told["scores"]
        assert told["rank"] == rank
        assert told["kept_out_by"] == []
        assert scores["score"] == pytest.approx(answered["score"], abs=1e-3)
        assert scores["score"] == pytest.approx(scores["found"] + scores["entity"] + scores["support"] + scores["recency"], abs=1e-3)
        assert {"lexical", "vector"} <= scores.keys()


async def test_a_question_is_explained_by_its_id_to_whoever_asked_it_alone(known: Known) -> None:
    await kahuna(known)
    answer = await known.ask("who is the champion at Kahuna", as_of="2026-02-15")
    explained = await known.explain(query_id=answer["query_id"])
    assert explained["query"] == "who is the champion at Kahuna"
    assert explained["as_of"] == "2026-02-15T00:00:00Z"
    for by, query_id in ((BOB, answer["query_id"]), (BOB, "qry_zzzz")):
        with pytest.raises(ContextRefused, match="no such question"):
            await known.explain(by=by, query_id=query_id)


async def test_what_kept_a_fact_out_is_said_for_each_filter(known: Known) -> None:
    await kahuna(known)
    dana = next(each for each in (await known.ask("champion", as_of="2026-02-15", entities=["Kahuna"]))["facts"] if "Dana" in each["value"])
    asked: dict[str, dict[str, Any]] = {
        "as_of: it had ended": {"as_of": "2026-04-01"},
        "as_of: it begins later": {"as_of": "2025-04-01"},
        "known_at: it was not yet believed then": {"known_at": "2025-01-01", "as_of": "2026-02-15"},
        "entities: it is about others": {"entities": ["Globex"], "as_of": "2026-02-15"},
        "predicates: it says something else": {"predicates": ["stage"], "as_of": "2026-02-15"},
        "sources: others say it": {"sources": ["gong"], "as_of": "2026-02-15"},
    }
    for reason, more in asked.items():
        [told] = (await known.explain("champion", fact_id=dana["id"], **more))["facts"]
        assert told["kept_out_by"] == [reason]
        assert told["rank"] is None
        assert told["filters"][reason.partition(":")[0]] is False


async def test_a_fact_that_others_come_before_is_told_so(known: Known) -> None:
    said = await known.say(*[fact("Kahuna", "note", f"topic {n}", f"2026-01-0{n}") for n in range(1, 5)], source="crm")
    [told] = (await known.explain("topic 1", limit=1, fact_id=said[3]["id"]))["facts"]
    assert told["kept_out_by"][0].startswith("limit: 1 others come before it")
    assert told["index_rank"] > 1


async def test_what_a_fact_superseded_is_shown_both_ways(known: Known) -> None:
    await known.one("stage")
    [first] = await known.say(fact("Kahuna", "stage", "open", "2026-01-01"), source="crm", source_id="1")
    [second] = await known.say(fact("Kahuna", "stage", "won", "2026-03-01"), source="crm", source_id="2")
    [told] = (await known.explain("stage of Kahuna", fact_id=second["id"]))["facts"]
    assert [each["id"] for each in told["superseded"]] == [first["id"]]
    [told] = (await known.explain("stage of Kahuna", fact_id=first["id"]))["facts"]
    assert second["id"] in [each["id"] for each in told["superseded_by"]]
    assert told["belief"]["retired_at"] is not None
    assert told["belief"]["claims"][0]["method"] == "asserted"


async def test_without_a_question_the_order_is_said(known: Known) -> None:
    await kahuna(known)
    explained = await known.explain(entities=["Kahuna"])
    assert explained["order"].startswith("newest first")
    assert [each["rank"] for each in explained["facts"]] == [1, 2]
