"""Upstreams with several base URLs: which one to call, which ones are ill, when to try them again."""

import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tools.operation import Json, Operation

#: so many failures in a row open the breaker
FAILURES = 3
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 120.0


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """One place where an operation is served. `weight` is its share of the calls; 0: only when all others are ill."""

    url: str
    weight: float = 1.0
    #: path that answers 2xx while the place is well; None: only its calls tell
    health_path: str | None = None


@dataclass(slots=True)
class _OriginHealth:
    failures: int = 0
    pause_s: float = FIRST_PAUSE_S
    #: the breaker is open until then (clock time); 0: closed
    open_until: float = 0.0
    #: one call is out to see whether it is well again
    is_probing: bool = False


@dataclass(slots=True)
class _Known:
    base: BaseUrl
    health: _OriginHealth = field(default_factory=_OriginHealth)


class Upstreams:
    """Chooses by weight among the well, and learns from every call and every health check.

    A breaker opens after three failures in a row, lets one call through when its pause is over, and closes when that one succeeds; the
    pause doubles up to two minutes. An operation with one base URL is never refused here: its caller learns the upstream's own failure.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        pick: Callable[[], float] = random.random,
        told: Callable[[str, float], None] = lambda base_url, open_s: None,
    ) -> None:
        """`told` hears of a breaker that opened here for so many seconds, or (0) closed again; `heard` takes in what others tell."""
        self._clock, self._pick, self._told = clock, pick, told
        self._by_url: dict[str, _Known] = {}

    def choose(self, operation: Operation, avoid: Collection[str] = ()) -> str | None:
        """Return the base URL for a call of `operation`; None where all of them are in `avoid`."""
        bases = base_urls_of(operation.binding)
        if len(bases) == 1:
            return None if bases[0].url in avoid else bases[0].url
        known = [self._known(base) for base in bases if base.url not in avoid]
        if not known:
            return None
        well = [each for each in known if self._is_well(each.health)]
        # All are ill: the one whose pause ends first has waited longest for a chance.
        chosen = self._weighted(well) if well else min(known, key=lambda each: each.health.open_until)
        if chosen.health.open_until:
            chosen.health.is_probing = True
        return chosen.base.url

    def report(self, base_url: str, ok: bool) -> None:
        """Take in how a call or a health check of `base_url` went. Only failures to answer count, not answers of refusal."""
        known = self._by_url.get(base_url)
        if known is None:
            return
        health = known.health
        health.is_probing = False
        if ok:
            known.health = _OriginHealth()
            if health.open_until:
                self._told(base_url, 0)
            return
        health.failures += 1
        if health.open_until:
            health.pause_s = min(health.pause_s * 2, LONGEST_PAUSE_S)
        if health.failures >= FAILURES or health.open_until:
            health.open_until = self._clock() + health.pause_s
            self._told(base_url, health.pause_s)

    def heard(self, base_url: str, open_s: float) -> None:
        """Take in that another node opened the breaker of a place for so long, or (0) closed it."""
        known = self._by_url.get(base_url) or _Known(BaseUrl(base_url))
        if open_s <= 0:
            known.health = _OriginHealth()
            return
        self._by_url[base_url] = known
        known.health.is_probing = False
        known.health.open_until = max(known.health.open_until, self._clock() + open_s)

    def release(self, base_url: str) -> None:
        """Take in that a call of `base_url` ended without telling anything of it."""
        if (known := self._by_url.get(base_url)) is not None:
            known.health.is_probing = False

    def to_check(self) -> list[tuple[str, str]]:
        """Return (base URL, URL to GET) of every place that has a health path: the active checks of one round."""
        return [
            (known.base.url, known.base.url.rstrip("/") + "/" + known.base.health_path.lstrip("/"))
            for known in self._by_url.values()
            if known.base.health_path is not None
        ]

    def state(self) -> dict[str, str]:
        """Return base URL -> well, ill or probing, for operators."""
        return {
            url: "probing" if known.health.is_probing else "well" if self._is_well(known.health) else "ill"
            for url, known in self._by_url.items()
        }

    def _known(self, base: BaseUrl) -> _Known:
        known = self._by_url.get(base.url)
        if known is None or known.base != base:
            known = self._by_url[base.url] = _Known(base, known.health if known else _OriginHealth())
        return known

    def _is_well(self, health: _OriginHealth) -> bool:
        if not health.open_until:
            return True
        return health.open_until <= self._clock() and not health.is_probing

    def _weighted(self, well: Sequence[_Known]) -> _Known:
        weights = [each.base.weight for each in well]
        total = sum(weights)
        if total <= 0:
            return well[0]
        point = self._pick() * total
        for each, weight in zip(well, weights, strict=True):
            point -= weight
            if point < 0:
                return each
        return next(each for each in reversed(well) if each.base.weight > 0)


def base_urls_of(binding: Mapping[str, Json]) -> tuple[BaseUrl, ...]:
    """Return where an operation is served: `base_urls` of its binding (texts, or {url, weight, health_path}), else its one `base_url`."""
    several = binding.get("base_urls")
    if not several:
        return (BaseUrl(str(binding["base_url"])),)
    return tuple(
        BaseUrl(each) if isinstance(each, str) else BaseUrl(each["url"], float(each.get("weight", 1)), each.get("health_path"))
        for each in several
    )
