"""A record over time: each version with the moment from which it holds."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

#: of deleted records, in the recycle bin
BIN_DAYS = 15


@dataclass(slots=True)
class Record:
    """One record of an object; versions by time. `late_s`: how long after its stamp a version is there to be read."""

    record_id: str
    created_at: datetime
    versions: list[tuple[datetime, Mapping[str, Any]]]
    deleted_at: datetime | None = None
    late_s: float = 0.0
    #: of the version before, where this one changed a field by hand
    edits: list[tuple[datetime, str, Any, Any]] = field(default_factory=list)

    def seen_at(self, now: datetime) -> Mapping[str, Any] | None:
        """Return its fields as they can be read now, deleted ones with IsDeleted for fifteen days; None where it is not there."""
        if self.deleted_at is not None and self.deleted_at <= now:
            if now - self.deleted_at > timedelta(days=BIN_DAYS):
                return None
            return self._fields(self.versions[-1][1], self.deleted_at) | {"IsDeleted": True}
        reach = now - timedelta(seconds=self.late_s)
        place = bisect_right(self.versions, reach, key=lambda version: version[0])
        if place == 0:
            return None
        stamp, fields = self.versions[place - 1]
        return self._fields(fields, stamp)

    def change(self, at: datetime, **fields: Any) -> None:
        """Add a version."""
        before = self.versions[-1][1]
        self.edits += [(at, name, before.get(name), value) for name, value in fields.items()]
        self.versions.append((at, {**before, **fields}))

    def _fields(self, fields: Mapping[str, Any], stamp: datetime) -> dict[str, Any]:
        own = {"Id": self.record_id, "IsDeleted": False, "CreatedDate": self.created_at, "SystemModstamp": stamp}
        # It can be set by hand: it says nothing of when a record changed.
        return {**fields, **own, "LastModifiedDate": self.created_at}
