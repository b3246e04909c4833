"""How long a call waits for its upstream, told apart from what the gateway itself takes."""

from dataclasses import dataclass


@dataclass(slots=True)
class UpstreamTime:
    """All waiting of one call, its pages and repeats counted, and the last status that came; 0.0: nothing was sent."""

    ms: float = 0.0
    status: int | None = None
