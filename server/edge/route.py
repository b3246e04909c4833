"""A route with what it needs at each request, made when the configuration comes into force."""

from dataclasses import dataclass

from server.config_versions.sections.edge import EdgeRoute
from server.edge.backends.choice import Backends
from server.edge.cors import Cors


@dataclass(slots=True)
class Route:
    """`in_flight`: exchanges of this process that are under way."""

    config: EdgeRoute
    label: str
    backends: Backends
    methods: frozenset[bytes]
    cors: Cors | None = None
    in_flight: int = 0
