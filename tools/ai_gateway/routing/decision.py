"""What was decided about a request before anything is sent."""

from dataclasses import dataclass
from datetime import date

from tools.ai_gateway.configuration.config import ModelProvider


@dataclass(frozen=True, slots=True)
class ModelTarget:
    """A model at a provider; `model` is spelt as the provider spells it."""

    provider: ModelProvider
    model: str

    @property
    def name(self) -> str:
        """As callers write it: `provider/id`."""
        return f"{self.provider.name}/{self.model}"


@dataclass(frozen=True, slots=True)
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
