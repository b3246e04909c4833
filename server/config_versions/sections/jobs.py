"""`[jobs]`: what the gateway looks at by itself."""

from dataclasses import dataclass

from pydantic import ConfigDict


@dataclass(frozen=True, slots=True)
class Jobs:
    """It has no members yet: a document that names one is refused."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)
