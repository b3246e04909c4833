"""What is known of targets while requests come and go: the port to the pipeline, which measures, and to the price book."""

from typing import Protocol

from tools.ai_gateway.routing.decision import ModelTarget


class Standing(Protocol):
    """Answers from memory, within a microsecond or so."""

    def latency_ms(self, target: ModelTarget) -> float | None:
        """Return how long the first content takes there lately; None: not measured, or so long ago that it should be tried again."""
        ...

    def price(self, target: ModelTarget) -> float | None:
        """Return dollars for a million tokens in and a million out; None: unknown."""
        ...
