"""Types that several signatures of one answer share are written once."""

from dataclasses import replace

from tests.tools.model_text import to_text
from tests.tools.stand_ins import gateway, operation
from tools.builtins.shared_types import with_shared_types

MEMBER = "{nick, roles[], joined_at, avatar, banner}"
ADDRESS = '{line1: str, city: str, country?: "DE"|"FR"}'


def test_a_type_of_several_signatures_is_named_and_written_once() -> None:
    """By the resource that is answered, or by the argument that it first stands for."""
    lines = [
        f"chat.members.get(id: str) -> {MEMBER} [0.80]\n  Get a member · read",
        f"chat.members.list() -> {MEMBER}[] [0.70]",
        f"shop.orders.create(home-address: {ADDRESS}, addresses?: {ADDRESS}[])",
    ]
    assert "\n".join(with_shared_types(lines)).split("\n") == [
        "chat.members.get(id: str) -> Member [0.80]",
        "  Get a member · read",
        "chat.members.list() -> Member[] [0.70]",
        "shop.orders.create(home-address: HomeAddress, addresses?: HomeAddress[])",
        f"HomeAddress = {ADDRESS}",
        f"Member = {MEMBER}",
    ]


def test_only_signatures_are_touched_and_only_where_it_makes_them_shorter() -> None:
    """An example, a person's query and a type of few characters stay as they are; nothing becomes longer."""
    example = '  example {"home": {"line1": "1 Long Road", "city": "Berlin"}}'
    lines = [
        f"# find {MEMBER}",
        f"a.b(x: {ADDRESS})",
        example,
        example,
        f"# or {MEMBER}",
        "a.c(y: {id: str}) -> {id}",
        "a.d(y: {id: str}) -> {id}",
    ]
    assert with_shared_types(lines) == lines


def test_types_of_one_name_are_told_apart_and_what_is_within_a_longer_one_stays_there() -> None:
    outer = f"{{street: str, owner: {MEMBER}, since: date}}"
    other = "{street: str, parking: bool, floors: int}"
    lines = [f"a.one.get(home: {outer})", f"a.one.set(home: {outer})", f"b.two.get(home: {other})", f"b.two.set(home: {other})"]
    assert with_shared_types(lines) == [
        "a.one.get(home: Home)",
        "a.one.set(home: Home)",
        "b.two.get(home: Home2)",
        "b.two.set(home: Home2)",
        f"Home = {outer}",
        f"Home2 = {other}",
    ]


async def test_an_answer_of_discover_apis_has_its_types_once_and_structured_content_has_them_whole() -> None:
    """A program that reads one result needs no other part of the answer."""
    shared = [
        replace(operation(f"chat.members.{name}", summary=f"{name} a member"), signature=f"chat.members.{name}() -> {MEMBER}")
        for name in ("get", "update")
    ]
    outcome = await (await gateway(shared)).call("discover_apis", {"query": "get a member", "limit": 2})
    assert to_text(outcome).count(MEMBER) == 1
    assert [entry["signature"].count(MEMBER) for entry in outcome.data["results"]] == [1, 1]
