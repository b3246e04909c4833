"""`[limits]`: what tenants and people may keep and use."""

from dataclasses import dataclass

from pydantic import ConfigDict


@dataclass(frozen=True, slots=True)
class Limits:
    """It has no members yet: a document that names one is refused."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)
