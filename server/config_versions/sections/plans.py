"""`[plans]`: what tenants of a plan may use."""

from dataclasses import dataclass

from pydantic import ConfigDict


@dataclass(frozen=True, slots=True)
class Plans:
    """It has no members yet: a document that names one is refused."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)
