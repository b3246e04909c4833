"""Which targets may and can serve a request; why the others are passed over is told."""

from collections.abc import Callable, Sequence

from tools.ai_gateway.configuration.config import Dialect, TenantRules
from tools.ai_gateway.model_request import ModelRequest
from tools.ai_gateway.refusals import model_not_allowed, not_set_up, unsupported
from tools.ai_gateway.routing.allow_list import is_denied
from tools.ai_gateway.routing.decision import ModelTarget
from tools.ai_gateway.routing.routing_table import RoutingTable

#: a provider that is not set up will not be in a moment
RETRY_AFTER_S = 60


def fitting(
    targets: Sequence[ModelTarget],
    table: RoutingTable,
    request: ModelRequest,
    rules: TenantRules,
    asked: tuple[Callable[[Dialect], frozenset[str]], int] | None,
    reasons: list[str],
) -> tuple[ModelTarget, ...]:
    """Return those of `targets` that serve `request`, in their order.

    asked: (what a dialect's target must be able to do, input tokens); None: the caller named this very model, whose provider
    knows best what it can do. Raises ModelCallRefused where none is left.
    """
    left = _allowed(targets, request, rules, reasons)
    left = _reachable(left, request, reasons)
    if asked is not None and left:
        left = _able(left, table, *asked, reasons)
    if request.caller.own_key and left:
        # A key goes to the provider that it is for and to nobody else.
        own = left[0].provider.name
        if len(theirs := [target for target in left if target.provider.name == own]) < len(left):
            reasons.append(f"the caller's own key is for {own} only")
            left = theirs
    return tuple(left)


def _allowed(targets: Sequence[ModelTarget], request: ModelRequest, rules: TenantRules, reasons: list[str]) -> list[ModelTarget]:
    if not rules.deny:
        return list(targets)
    left: list[ModelTarget] = []
    for target in targets:
        if is_denied(rules, target.name):
            reasons.append(f"{target.name} is denied to the tenant")
        else:
            left.append(target)
    if targets and not left:
        raise model_not_allowed(request.model or "the default route", f"tenant {request.caller.tenant_id}")
    return left


def _reachable(targets: Sequence[ModelTarget], request: ModelRequest, reasons: list[str]) -> list[ModelTarget]:
    wanted = request.wishes.provider
    left: list[ModelTarget] = []
    for target in targets:
        if wanted and target.provider.name != wanted:
            reasons.append(f"{target.name} is not at {wanted}")
        elif not target.provider.base_url:
            reasons.append(f"{target.name}: base_url is missing under [providers.{target.provider.name}] of the configuration")
        else:
            left.append(target)
    if not left:
        raise not_set_up("; ".join(["no target for this request", *reasons[-5:]]), RETRY_AFTER_S)
    return left


def _able(
    targets: Sequence[ModelTarget],
    table: RoutingTable,
    needs_of: Callable[[Dialect], frozenset[str]],
    input_tokens: int,
    reasons: list[str],
) -> list[ModelTarget]:
    if not table.config.models:
        return list(targets)  # nothing is known of any model, so nothing is held against it
    needs_by_dialect: dict[Dialect, frozenset[str]] = {}
    able: list[ModelTarget] = []
    lacking: set[str] = set()
    for target in targets:
        facts, dialect = table.facts(target), target.provider.dialect
        if facts.can is not None:
            if dialect not in needs_by_dialect:
                needs_by_dialect[dialect] = needs_of(dialect)
            if missing := needs_by_dialect[dialect] - facts.can:
                reasons.append(f"{target.name} cannot do {', '.join(sorted(missing))}")
                lacking |= missing
                continue
        able.append(target)
    if not able:
        raise unsupported(", ".join(sorted(lacking)), "any target of this route")
    return _large_enough(able, table, input_tokens, reasons)


def _large_enough(targets: list[ModelTarget], table: RoutingTable, input_tokens: int, reasons: list[str]) -> list[ModelTarget]:
    left: list[ModelTarget] = []
    small: list[tuple[int, ModelTarget]] = []
    for target in targets:
        room = table.facts(target).context_tokens
        if room is None or room >= input_tokens:
            left.append(target)
        else:
            small.append((room, target))
    if targets and not left:
        room, largest = max(small, key=lambda pair: pair[0])
        reasons.append(f"none takes some {input_tokens} tokens; {largest.name} takes the most, {room}")
        return [largest]
    reasons += [f"{target.name} takes {room} tokens, the request has some {input_tokens}" for room, target in small]
    return left
