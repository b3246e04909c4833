"""Whatever JSON comes, arguments are read or refused: nothing else happens (context contract §6)."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.tools.context_plane.saying import ADA
from tools.context_plane.arguments.assertions import assertion_of
from tools.context_plane.errors import ContextRefused
from tools.context_plane.forgetting.forgetting import Forgetting
from tools.context_plane.retraction import context_retract

TEXTS = st.one_of(
    st.text(st.characters(codec=None), max_size=12),
    st.sampled_from(
        ["Kahuna", "ent_7", "fct_7", "2026-01-01", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "\x00", "\ufdfa" * 9]
    ),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)


def objects(names: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={name: st.one_of(TEXTS, JSON) for name in names.split()})


FACTS = st.lists(st.one_of(objects("subject predicate value valid_from valid_to confidence"), JSON), max_size=3)
EPISODES = st.one_of(objects("source source_id kind occurred_at author url content"), JSON)


class NeverAsked:
    """A store that no wrong argument reaches."""

    async def change(self, *_given: object) -> Any:
        raise ContextRefused("not_found", "it was reached")


@examples(150)
@given(st.fixed_dictionaries({}, optional={"facts": FACTS, "episode": EPISODES, "private": JSON, "predicates": JSON}))
def test_an_assertion_is_read_or_refused_with_its_faults(arguments: Mapping[str, Any]) -> None:
    try:
        assertion, _ = assertion_of(arguments)
    except ContextRefused as refused:
        assert refused.failure.faults  # noqa: PT017  either is right
    else:
        assert len(assertion.content_hash) == 64
        for fact in assertion.facts:
            texts = (fact.subject.name, fact.predicate, fact.value or "", *(part for key in fact.subject.keys for part in key))
            assert "\x00" not in "".join(texts).encode().decode(), "what is kept can be written"


@examples(60)
@given(objects("fact_id at reason"), objects("entity episode source document audience dry_run"))
def test_what_is_taken_back_or_forgotten_is_named_or_refused(retracted: dict[str, Any], forgotten: dict[str, Any]) -> None:
    async def both() -> None:
        with pytest.raises(ContextRefused):
            await context_retract(NeverAsked(), ADA, retracted)  # type: ignore[arg-type]
        with pytest.raises(ContextRefused):
            await Forgetting(NeverAsked())(ADA, forgotten)  # type: ignore[arg-type]

    asyncio.run(both())
