"""Facts as tests assert them: short, by whom and when."""

from typing import Any

from oauth.principal import Principal
from tools.context_plane.assertion import context_assert
from tools.context_plane.facts import Fact
from tools.context_plane.ids import FACT, id_number
from tools.context_plane.predicates import declare
from tools.context_plane.stores import ContextRows, ContextStore
from tools.context_plane.times import time_text

ADA = Principal("acme", "ada", "client", frozenset({"mcp:*"}), "grant")


def fact(subject: Any, predicate: str, value: Any, begin: str | None = None, end: str | None = None, **more: Any) -> dict[str, Any]:
    window = {"valid_from": begin, "valid_to": end}
    return {"subject": subject, "predicate": predicate, "value": value, **{k: v for k, v in window.items() if v is not None}, **more}


async def say(
    store: ContextStore, *facts: dict[str, Any], by: Principal = ADA, private: bool = False, **episode: Any
) -> list[dict[str, Any]]:
    """Assert `facts` from an episode, and return what became of each."""
    arguments: dict[str, Any] = {"facts": list(facts), "episode": episode, "private": private}
    answer = await context_assert(store, by, arguments)
    return list(answer["facts"])


async def believed(store: ContextStore, tenant_id: str = "acme") -> list[str]:
    """Return the sentences of what a tenant believes now, each with its window, in the order of their letters."""
    news = await store.facts_since(tenant_id, 0, 10_000)
    return sorted(shown(each.fact) for each in news.facts if each.fact.retired_at_us is None)


def shown(fact: Fact) -> str:
    """Write a fact with its window: "Kahuna stage open [2026-01-01, )"."""
    begin, end = ((time_text(us) or "")[:10] for us in (fact.belief.valid_from_us, fact.belief.valid_to_us))
    mark = "" if fact.belief.state == "believed" else " ?"
    return f"{fact.text}{mark} [{begin}, {end})"


async def declare_one(store: ContextStore, *predicates: str, tenant_id: str = "acme") -> None:
    def declared(rows: ContextRows) -> None:
        for predicate in predicates:
            declare(rows, predicate, "one")

    await store.change(tenant_id, declared)


def number(outcome: dict[str, Any]) -> int:
    """Return the number of the fact that an assertion came to."""
    found = id_number(FACT, outcome["id"])
    assert found is not None
    return found
