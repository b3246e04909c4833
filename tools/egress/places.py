"""How many calls may be under way at one time: to one origin, and in all; fair to tenants and persons."""

from tools.fair_semaphore import FairSemaphore, Holder

Origin = tuple[str, str, int]

#: One person alone takes a third, as many as everybody together could have before; the rest is there for the others.
PLACES_PER_ORIGIN = 300
PLACES = 1_500
#: MCP sessions hold a connection each for as long as they live, beside the places.
MAX_STREAMS = 500
#: Origins that nobody calls are forgotten above this.
_MAX_ORIGINS = 1_000


class EgressPlaces:
    """A place for each call under way. A call to an origin that is slow holds its place until it is answered."""

    def __init__(self, places: int = PLACES, per_origin: int = PLACES_PER_ORIGIN) -> None:
        self._per_origin = per_origin
        self._all = FairSemaphore(places, "the gateway's connections to upstreams")
        self._by_origin: dict[Origin, FairSemaphore] = {}

    @property
    def connections(self) -> int:
        """How many connections a pool needs, so that whoever has a place does not wait there, where the line is not fair."""
        return 2 * self._all.places + MAX_STREAMS

    @property
    def connections_per_origin(self) -> int:
        """The same for one origin."""
        return 2 * self._per_origin + MAX_STREAMS

    def take(self, origin: Origin, holder: Holder) -> bool:
        """Take a place for a call to `origin` where there is one now."""
        here = self._by_origin.get(origin)
        if here is None:
            here = self._add(origin)
        if not here.take(holder):
            return False
        if self._all.take(holder):
            return True
        # Both or none: a place that is held while waiting for the other keeps an origin closed for nothing.
        here.release(holder)
        return False

    async def wait(self, origin: Origin, holder: Holder, deadline: float) -> None:
        """Take a place, waiting for it until `deadline` (loop time). Raises Busy."""
        here = self._by_origin.get(origin) or self._add(origin)
        await here.wait(holder, deadline)
        try:
            await self._all.wait(holder, deadline)
        except BaseException:
            here.release(holder)
            raise

    def release(self, origin: Origin, holder: Holder) -> None:
        """Give back a place that was taken."""
        self._all.release(holder)
        self._by_origin[origin].release(holder)

    def _add(self, origin: Origin) -> FairSemaphore:
        if len(self._by_origin) >= _MAX_ORIGINS:
            self._by_origin = {each: places for each, places in self._by_origin.items() if places.in_use}
        scheme, host, port = origin
        added = self._by_origin[origin] = FairSemaphore(self._per_origin, f"the gateway's connections to {scheme}://{host}:{port}")
        return added
