"""Whom a rule counts together: a selector of the operator's, compiled once, put to many calls."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Generic, TypeVar

from tools.metering.rules import BudgetRule, LimitRule, Selector
from tools.metering.spending import Spending

EACH = "*"
MAX_PART_CHARS = 120

Rule = TypeVar("Rule", BudgetRule, LimitRule)
Matches = Callable[[str], bool]
Targets = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """Calls that share one counter. `tenant_id` "": of several tenants; `targets` empty: whichever answers."""

    tenant_id: str
    whose: str
    targets: Targets = ()


class RuleSelection:
    """One selector, ready to be asked.

    `*` counts each by itself, within its tenant where keys, users and gateways are meant: two tenants may have a key of one name.
    Calls without a key or gateway are none of those; calls without a user share one counter, or a caller would leave the user out.
    """

    def __init__(self, of: Selector) -> None:
        self._of = of
        self._tenant, self._gateway, self._key = (_matching(each) for each in (of.tenant, of.gateway, of.key))
        self._user = _matching_user(of.user)
        self._provider, self._model = _matching(of.provider), _matching(of.model)
        is_split = EACH in (of.tenant, of.gateway, of.key, of.user)
        self._is_of_one_tenant = is_split or (of.tenant != "" and not any(sign in of.tenant for sign in "*?["))
        self._needs_key, self._needs_gateway = of.key == EACH, of.gateway == EACH
        self._has_targets = bool(of.provider or of.model)

    @property
    def exact_key(self) -> str:
        """The one key name that it can be about; "" where it may be about several."""
        return "" if any(sign in self._of.key for sign in "*?[") else self._of.key

    def of(self, spending: Spending) -> Iterator[Counted]:
        """Yield the counters in which this call counts; none where the selector is not about it."""
        if not (self._tenant(spending.tenant_id) and self._key(spending.key)):
            return
        if not self._gateway(spending.gateway) or (self._needs_key and not spending.key) or (self._needs_gateway and not spending.gateway):
            return
        # Each counts by whom the call is for; who is meant by name is held, whomever she says that it is for.
        if not (self._user(spending.user) or self._user(spending.person)):
            return
        of = self._of
        tenant_id = spending.tenant_id if self._is_of_one_tenant else ""
        split = (("gateway", of.gateway, spending.gateway), ("key", of.key, spending.key), ("user", of.user, spending.user))
        whose = " ".join(f"{name}={_part(value)}" for name, selector, value in split if selector == EACH)
        if not self._has_targets:
            yield Counted(tenant_id, whose)
            return
        for split_by, targets in self._targets(spending).items():
            yield Counted(tenant_id, " ".join(part for part in (whose, split_by) if part), tuple(targets))

    def _targets(self, spending: Spending) -> dict[str, list[tuple[str, str]]]:
        """Return the candidates that count, by what they are told apart by."""
        of, found = self._of, dict[str, list[tuple[str, str]]]()
        is_asked_for = of.model not in ("", EACH) and self._model(spending.requested)
        for provider, model in spending.candidates:
            if self._provider(provider) and (is_asked_for or self._model(f"{provider}/{model}") or self._model(model)):
                parts = [f"provider={_part(provider)}"] if of.provider == EACH else []
                parts += [f"model={_part(f'{provider}/{model}')}"] if of.model == EACH else []
                found.setdefault(" ".join(parts), []).append((provider, model))
        return found


class Selections(Generic[Rule]):
    """Rules ready to be asked: those of one key by its name, so that a thousand keys with a rule each cost a call no more than one."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules: Sequence[Rule] = rules
        self._of_all: list[tuple[Rule, RuleSelection]] = []
        self._by_key: dict[str, list[tuple[Rule, RuleSelection]]] = {}
        for rule in rules:
            selection = RuleSelection(rule.of)
            exact = selection.exact_key
            (self._by_key.setdefault(exact, []) if exact else self._of_all).append((rule, selection))

    def counting(self, spending: Spending) -> list[tuple[Rule, Counted]]:
        """Return every rule that is about this call, once for each counter that it counts in."""
        asked = [*self._by_key.get(spending.key, ()), *self._of_all] if spending.key else self._of_all
        return [(rule, counted) for rule, selection in asked for counted in selection.of(spending)]


def _matching(selector: str) -> Matches:
    if selector in ("", EACH):
        return _anything
    if any(sign in selector for sign in "*?["):
        return lambda text: fnmatchcase(text, selector)
    return selector.__eq__


def _matching_user(selector: str) -> Matches:
    """As `_matching`, but an address is one however it is written: `Ada@example.com` must not leave ada's calls out."""
    if "@" not in selector:
        return _matching(selector)
    matches = _matching(selector.casefold())
    return lambda text: matches(text.casefold())


def _anything(_text: str) -> bool:
    return True


def _part(text: str) -> str:
    """Return a name so that two different ones never look the same in a row of them, and none is long or unprintable."""
    # Callers choose it: PostgreSQL has no text with a zero in it, and UTF-8 no half of a surrogate pair.
    if len(text) > MAX_PART_CHARS:
        text = f"{text[:40]}~{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()[:32]}"
    if text.isprintable() and " " not in text and "%" not in text:
        return text
    return "".join(each if each.isprintable() and each not in " %" else f"%{ord(each):x};" for each in text)
