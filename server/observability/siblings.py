"""The other processes of the same gateway on this machine, where there are any: what they count belongs to one answer."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest


class Siblings(Protocol):
    """`server/workers` has those of a gateway of several workers."""

    async def exposition(self, own: CollectorRegistry) -> bytes:
        """Return the metrics of all, this one's `own` among them, in the Prometheus text format."""
        ...

    @property
    def checks(self) -> Mapping[str, Callable[[], Awaitable[str | None]]]:
        """What `/readyz` asks of them, by name: None where all answer, else how many do."""
        ...


class Alone:
    """One process is the whole gateway."""

    async def exposition(self, own: CollectorRegistry) -> bytes:
        return generate_latest(own)

    @property
    def checks(self) -> Mapping[str, Callable[[], Awaitable[str | None]]]:
        return {}


ALONE = Alone()
