"""What was decided about a request before anything is sent."""

from dataclasses import dataclass, field
from datetime import date

from tools.ai_gateway.configuration.config import ModelProvider
from tools.value_objects import value_object


@dataclass(frozen=True, slots=True)
class ModelTarget:
    """A model at a provider; `model` is spelt as the provider spells it."""

    provider: ModelProvider
    model: str

    #: as callers write it: `provider/id`; made once, since every decision reads it several times
    name: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", f"{self.provider.name}/{self.model}")


@value_object
class Decision:
    """Targets in the order in which they are tried, and every reason for that, in words."""

    #: as the caller wrote it; "" for nothing
    requested: str
    #: the route; "" where the caller named a model
    route: str
    targets: tuple[ModelTarget, ...]
    reasons: tuple[str, ...] = ()
    #: `name/arm`; "" outside any experiment
    experiment: str = ""
    cache_s: float = 0
    semantic: float | None = None
    sunset: date | None = None
