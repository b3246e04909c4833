"""What a shadow's answer is beside the caller's: figures, and no words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tools.metering.money import to_usd
from tools.operation import Json


@dataclass(frozen=True, slots=True)
class Comparison:
    """One answer of a shadow beside the one that its caller got. Costs are billionths of a dollar; None: no price is known."""

    #: of the caller's call
    call_id: str
    tenant_id: str
    at_us: int
    experiment: str
    arm: str
    #: cosine of the two texts by the product's own encoder; None where it knows no word of one of them
    similarity: float | None
    chars: int
    shadow_chars: int
    ms: float
    shadow_ms: float
    cost_nano_usd: int | None
    shadow_cost_nano_usd: int | None


@dataclass(frozen=True, slots=True)
class ShadowFigures:
    """The means of one arm."""

    arm: str
    compared: int
    similarity: float | None
    chars: float
    shadow_chars: float
    ms: float
    shadow_ms: float
    cost_nano_usd: float | None
    shadow_cost_nano_usd: float | None


class ComparisonStore(Protocol):
    async def add(self, comparison: Comparison) -> None:
        """Keep a comparison; one that is there stays as it is."""
        ...

    async def figures(self, experiment: str, since_us: int) -> Sequence[ShadowFigures]:
        """Return the means of each arm of an experiment, over all tenants: an experiment is the operator's."""
        ...

    async def forget_before(self, time_us: int) -> None:
        """Delete what is older, of all tenants."""
        ...


def shadow_json(figures: Sequence[ShadowFigures]) -> list[dict[str, Json]]:
    """Return the arms of a shadow as the command line prints them and the API answers them: the caller's answer beside the shadow's."""
    return [
        {
            "arm": each.arm,
            "compared": each.compared,
            "similarity": None if each.similarity is None else round(each.similarity, 3),
            "chars": round(each.chars),
            "shadow_chars": round(each.shadow_chars),
            "ms": round(each.ms, 1),
            "shadow_ms": round(each.shadow_ms, 1),
            "usd_per_call": _usd(each.cost_nano_usd),
            "shadow_usd_per_call": _usd(each.shadow_cost_nano_usd),
        }
        for each in figures
    ]


def _usd(nano_usd: float | None) -> float | None:
    return None if nano_usd is None else round(to_usd(round(nano_usd)), 9)
