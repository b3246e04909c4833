"""Whom a rule counts together."""

from dataclasses import replace

import pytest

from tests.tools.metering.spending_world import SPENDING
from tools.metering.rules import BudgetRule, Selector
from tools.metering.selection import Counted, RuleSelection, Selections

TWO = replace(SPENDING, candidates=(("openai", "m"), ("anthropic", "claude")))
OPENAI, ANTHROPIC = ("openai", "m"), ("anthropic", "claude")


@pytest.mark.parametrize(
    ("of", "counted"),
    [
        (Selector(), [Counted("", "")]),
        (Selector(tenant="acme"), [Counted("acme", "")]),
        (Selector(tenant="a*"), [Counted("", "")]),
        (Selector(tenant="*"), [Counted("acme", "")]),
        (Selector(tenant="globex"), []),
        (Selector(key="bot"), [Counted("", "")]),
        (Selector(key="b?t"), [Counted("", "")]),
        (Selector(key="Bot"), []),
        (Selector(key="*"), [Counted("acme", "key=bot")]),
        (Selector(user="*", key="*"), [Counted("acme", "key=bot user=ada")]),
        (Selector(gateway="*"), []),
        (Selector(gateway="agents"), []),
        (Selector(provider="openai"), [Counted("", "", (OPENAI,))]),
        (Selector(provider="*"), [Counted("", "provider=openai", (OPENAI,)), Counted("", "provider=anthropic", (ANTHROPIC,))]),
        (Selector(model="openai/*"), [Counted("", "", (OPENAI,))]),
        (Selector(model="claude"), [Counted("", "", (ANTHROPIC,))]),
        (Selector(model="bulk"), [Counted("", "", (OPENAI, ANTHROPIC))]),
        (Selector(model="*"), [Counted("", "model=openai/m", (OPENAI,)), Counted("", "model=anthropic/claude", (ANTHROPIC,))]),
        (Selector(user="*", model="open*"), [Counted("acme", "user=ada", (OPENAI,))]),
        (Selector(model="mistral/*"), []),
    ],
)
def test_a_call_counts_where_it_is_meant(of: Selector, counted: list[Counted]) -> None:
    """Contract: any of tenant, gateway, key, user, provider, model; `*` each its own."""
    assert list(RuleSelection(of).of(TWO)) == counted


@pytest.mark.parametrize(
    ("selector", "counters"), [("bob", 1), ("ada@example.com", 1), ("Ada@Example.com", 1), ("ada@*", 1), ("eve", 0), ("", 1)]
)
def test_who_names_another_is_held_all_the_same(selector: str, counters: int) -> None:
    """A budget names a person; whom the person says a call is for is no way out of it, and counts once."""
    spending = replace(SPENDING, user="bob", person="ada@example.com")
    assert len(list(RuleSelection(Selector(user=selector)).of(spending))) == counters


def test_each_counts_by_whom_the_call_is_for() -> None:
    spending = replace(SPENDING, user="bob", person="ada")
    assert [each.whose for each in RuleSelection(Selector(user="*")).of(spending)] == ["user=bob"]


def test_two_names_never_look_like_one() -> None:
    """Users are whatever callers say: spaces, our own signs, texts of any length, what no database takes."""
    names = ["a", "a b", "a%20;b", "a%b", "", "\0", "\ud800", "x" * 200, "x" * 199 + "y", "é"]
    seen = [counted.whose for name in names for counted in RuleSelection(Selector(user="*")).of(replace(SPENDING, user=name))]
    assert len(set(seen)) == len(names)
    assert all(len(each) <= 130 and each.isprintable() for each in seen)


def test_a_parted_name_is_no_two_parts() -> None:
    of = RuleSelection(Selector(key="*", user="*"))
    [one], [two] = (list(of.of(replace(SPENDING, key=key, user=user))) for key, user in (("a user=b", "c"), ("a", "b user=c")))
    assert one != two


def test_rules_of_a_key_are_asked_for_that_key_only() -> None:
    rules = [BudgetRule(name, Selector(key=key), "day", 1) for name, key in (("mine", "bot"), ("others", "other"), ("globs", "b*"))]
    found = Selections(rules).counting(SPENDING)
    assert sorted(rule.name for rule, _counted in found) == ["globs", "mine"]
    assert Selections(rules).counting(replace(SPENDING, key="")) == []
