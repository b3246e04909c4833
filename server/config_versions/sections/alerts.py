"""`[alerts]`: which rules wake whom."""

from dataclasses import dataclass

from pydantic import ConfigDict


@dataclass(frozen=True, slots=True)
class Alerts:
    """It has no members yet: a document that names one is refused."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)
