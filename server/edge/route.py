"""A route with what it needs at each request, made when the configuration comes into force."""

from dataclasses import dataclass, field

from server.config_versions.sections.edge import EdgeRoute
from server.edge.backends.choice import Backends
from server.edge.cors import Cors


@dataclass(slots=True)
class UnderWay:
    """How many exchanges of this process are under way; a route has it from the one before with its label, as they go on."""

    count: int = 0


@dataclass(slots=True)
class Route:
    config: EdgeRoute
    label: str
    backends: Backends
    methods: frozenset[bytes]
    cors: Cors | None = None
    under_way: UnderWay = field(default_factory=UnderWay)

    @property
    def in_flight(self) -> int:
        return self.under_way.count
