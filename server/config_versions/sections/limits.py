"""`[limits]`: how often callers may come. `server/rate_limits.py` counts; `ASCEND_RATE_LIMIT_SCALE` multiplies what is said here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated

from pydantic import ConfigDict, Field

from server.rate_limits import LIMITS, Limit
from tools.versioned_documents.model_faults import unknown_name

#: A limit of sign-in that is a hundred times as wide is none, and one that is a hundredth shuts people out.
MOST_TIMES = 10


@dataclass(frozen=True, slots=True)
class Rate:
    """What is left out is as it is built in."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    per_minute: Annotated[float, Field(gt=0)] | None = None
    #: so many at once
    burst: Annotated[int, Field(ge=1)] | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """A table a bucket: `[limits.rates.token_client]`."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    rates: Mapping[str, Rate] = field(default_factory=dict)

    def faults(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Yield (place, words) of buckets that there are not, and of limits too far from what is built in."""
        for name, rate in self.rates.items():
            if name not in LIMITS:
                yield ("rates", name), unknown_name(name, list(LIMITS), "limit")
                continue
            built_in = LIMITS[name]
            for member, said, usual in (("per_minute", rate.per_minute, built_in.per_minute), ("burst", rate.burst, built_in.burst)):
                if said is not None and not usual / MOST_TIMES <= said <= usual * MOST_TIMES:
                    yield ("rates", name, member), f"must be from {usual / MOST_TIMES:g} to {usual * MOST_TIMES:g}; built in is {usual:g}"

    @property
    def in_force(self) -> Mapping[str, Limit]:
        """Return every limit."""
        said = {name: rate for name, rate in self.rates.items() if name in LIMITS}
        return {**LIMITS, **{name: _changed(LIMITS[name], rate) for name, rate in said.items()}}


def _changed(limit: Limit, rate: Rate) -> Limit:
    if rate.per_minute is not None:
        limit = replace(limit, per_minute=rate.per_minute)
    return limit if rate.burst is None else replace(limit, burst=rate.burst)
