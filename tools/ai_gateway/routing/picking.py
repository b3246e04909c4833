"""In which order the targets of a route are tried."""

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence

from tools.ai_gateway.configuration.config import WeightedTarget
from tools.ai_gateway.routing.decision import ModelTarget
from tools.ai_gateway.routing.standing import Standing

_TOP = 2**64


def by_weight(targets: Sequence[WeightedTarget], chance: Callable[[str], float]) -> list[WeightedTarget]:
    """Return `targets`, each first as often as its weight says, and then each second among the rest (Efraimidis and Spirakis, 2006).

    `chance`: of a target, above 0 and below 1. A target without weight comes last.
    """
    return sorted(targets, key=lambda target: -math.log(chance(target.use)) / target.weight if target.weight else math.inf)


def steady_chance(route: str, whose: str) -> Callable[[str], float]:
    """Return chances that stay what they are for one session or user: it moves only when its target goes (rendezvous hashing)."""

    def chance(use: str) -> float:
        digest = hashlib.sha256(f"{route}:{whose}:{use}".encode()).digest()
        return (int.from_bytes(digest[:8], "big") + 0.5) / _TOP

    return chance


def cheapest(targets: Iterable[ModelTarget], standing: Standing) -> list[ModelTarget]:
    """Return `targets` by price; those without a known price last, since they may be the dearest."""

    def key(target: ModelTarget) -> float:
        price = standing.price(target)
        return math.inf if price is None else price

    return sorted(targets, key=key)


def fastest(targets: Iterable[ModelTarget], standing: Standing) -> list[ModelTarget]:
    """Return `targets` by the time that they take; those not measured first, or they never would be."""

    def key(target: ModelTarget) -> float:
        latency = standing.latency_ms(target)
        return -1.0 if latency is None else latency

    return sorted(targets, key=key)
