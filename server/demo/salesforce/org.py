"""One org: its records as they can be read at the clock's time."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from server.demo.salesforce.faults import SalesforceFaults
from server.demo.salesforce.objects import FIELDS, RELATIONS, first_objects, history_of
from server.demo.salesforce.record import BIN_DAYS, Record
from server.demo.salesforce.soql import Soql
from server.demo.stand_ins.clock import StandInClock
from server.demo.stand_ins.record_ids import record_id

VERSION = "v64.0"


class Org:
    """`accounts` accounts with all that belongs to them, made on `first_day`; what tests change comes on top."""

    def __init__(self, clock: StandInClock, faults: SalesforceFaults, first_day: datetime, accounts: int, seed: int) -> None:
        self._clock = clock
        self._records = first_objects(first_day, accounts, seed, faults)

    def found(self, query: Soql, *, with_deleted: bool) -> list[Mapping[str, Any]]:
        """Return what a query finds, in its order, without what is deleted unless asked."""
        now = self._clock.now
        seen = (record.seen_at(now) for record in self._of(query.kind).values())
        rows = [row for row in seen if row is not None and (with_deleted or not row["IsDeleted"]) and query.fits(row)]
        for name in reversed(query.order):
            rows.sort(key=lambda row: (row.get(name) is not None, row.get(name)))
        related = [field for field in query.fields if "." in field]
        return [{**row, **{field: self._related(row, field) for field in related}} for row in rows[: query.limit]]

    def deleted(self, kind: str, begin: datetime, end: datetime) -> list[tuple[str, datetime]]:
        """Return what was deleted in a time, by id."""
        gone = [(record.record_id, record.deleted_at) for record in self._of(kind).values() if record.deleted_at is not None]
        return [(each, at) for each, at in gone if begin <= at < end and at <= self._clock.now]

    @property
    def earliest_deletion(self) -> datetime:
        return self._clock.now - timedelta(days=BIN_DAYS)

    def change(self, kind: str, record_id: str, fields: Mapping[str, Any], late_s: float = 0.0) -> None:
        """Change a record now; with `late_s` it is committed that much later with the stamp of now."""
        record = self._records[kind][record_id]
        record.change(self._clock.now, **fields)
        record.late_s = late_s

    def add(self, kind: str, fields: Mapping[str, Any], late_s: float = 0.0) -> str:
        """Make a record now, with that stamp; return its id."""
        unknown = set(fields) - set(FIELDS[kind])
        if unknown:
            raise ValueError(f"{kind} has no {sorted(unknown)}")
        number = len(self._records[kind]) + 1
        new = Record(record_id(kind, number), self._clock.now, [(self._clock.now, dict(fields))], late_s=late_s)
        self._records[kind][new.record_id] = new
        return new.record_id

    def delete(self, kind: str, record_id: str) -> None:
        self._records[kind][record_id].deleted_at = self._clock.now

    def records(self, kind: str) -> Mapping[str, Record]:
        """Return every record of an object by id, deleted ones too."""
        return self._of(kind)

    def ids(self, kind: str) -> list[str]:
        return list(self._of(kind))

    def _related(self, row: Mapping[str, Any], field: str) -> Any:
        """Return a field of the record that a lookup refers to; None where it refers to none that is there."""
        relation, _, name = field.partition(".")
        record_id = row.get(RELATIONS[relation])
        found = next((records[record_id] for records in self._records.values() if record_id in records), None)
        seen = None if found is None else found.seen_at(self._clock.now)
        return None if seen is None else seen.get(name)

    def _of(self, kind: str) -> Mapping[str, Record]:
        if kind == "OpportunityFieldHistory":
            return history_of(self._records["Opportunity"], self._clock.now)
        return self._records[kind]


def plain(kind: str, row: Mapping[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    """Return a row as an answer has it: its attributes, then the fields that were asked for."""
    attributes = {"type": kind, "url": f"/services/data/{VERSION}/sobjects/{kind}/{row['Id']}"}
    told: dict[str, Any] = {"attributes": attributes}
    for name in fields:
        relation, _, field = name.partition(".")
        if not field:
            told[name] = written(row.get(name))
        elif row.get(name) is None:
            told[relation] = None
        else:
            told[relation] = {"attributes": {"type": relation}, field: written(row[name])}
    return told


def written(value: Any) -> Any:
    """Return a value as JSON: times with milliseconds and +0000."""
    return value.strftime("%Y-%m-%dT%H:%M:%S.000+0000") if isinstance(value, datetime) else value
