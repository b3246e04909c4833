"""The versions of a document, as a store keeps them: the newest is in force, none is ever changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tools.operation import Json

#: older ones are forgotten when a new one comes
MAX_KEPT = 100


@dataclass(frozen=True, slots=True)
class ConfigVersion:
    """A checked document; version 0 is the empty one, before anybody applied anything."""

    version: int = 0
    document: Mapping[str, Json] = field(default_factory=dict)
    #: who applied it: a person's address, or the command line
    by: str = ""
    at_us: int = 0


class VersionConflict(Exception):
    """Somebody else's version came first; `newest` is its number."""

    def __init__(self, newest: int) -> None:
        super().__init__(f"version {newest} is in force by now; look at it, then apply again")
        self.newest = newest


class NoSuchVersion(Exception):
    """Version `number` is not kept, or never was."""

    def __init__(self, number: int, newest: int) -> None:
        super().__init__(f"no version {number}; the newest is {newest}, and the last hundred are kept")


def version_json(version: ConfigVersion) -> dict[str, Json]:
    """Return a version as the command line prints it and the API answers it."""
    return {
        "version": version.version,
        "applied_at": applied_at(version),
        "applied_by": version.by,
        "config": dict(version.document),
    }


def applied_at(version: ConfigVersion) -> str | None:
    """Return when it was applied, in ISO 8601; None for version 0."""
    return datetime.fromtimestamp(version.at_us / 1_000_000, UTC).isoformat(timespec="seconds") if version.version else None
