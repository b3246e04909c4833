"""From a record to an item: its text, and its facts with the time from which each holds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.context_plane.facts import Cardinality
from tools.context_plane.times import time_text, time_us
from tools.operation import Json
from tools.workflows.ingestion.item import Item, content_of, line_of
from tools.workflows.ingestion.salesforce.field_maps import KIND_BY_OBJECT, FieldMap, ObjectMap, RoleMap
from tools.workflows.ingestion.salesforce_ids import id18, object_of

SOURCE = "salesforce"
MAX_NAME_CHARS, MAX_VALUE_CHARS, MAX_KEY_CHARS, MAX_PREDICATE_CHARS = 200, 1_900, 300, 90
#: of one field that are told; the newest
MAX_CHANGES = 60

Record = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Change:
    """One row of a field's history."""

    at_us: int
    field: str
    before: Json
    after: Json


def item_of(object_map: ObjectMap | RoleMap, record: Record, changes: Sequence[Change] = ()) -> Item:
    """Return the item of a record as it is now, with the history of its fields. Raises BadTime."""
    stamp_us, created_us = time_us(str(record["SystemModstamp"])), time_us(str(record["CreatedDate"]))
    facts: list[dict[str, Json]]
    ended: tuple[str, ...] = ()
    cardinalities: Mapping[str, Cardinality] = {}
    if isinstance(object_map, RoleMap):
        title, facts = object_map.name, _role(object_map, record, stamp_us)
    else:
        subject = _subject(object_map, record)
        title = f"{object_map.name} {subject['name']}"
        telling = _Telling(subject, record, changes, created_us, stamp_us)
        facts = [fact for field in object_map.fields for fact in telling.facts_of(field)]
        # Of a record of which nothing else is said it is still said that there is one.
        facts = facts or [{"subject": subject, "predicate": "created", "value": time_text(created_us), "valid_from": time_text(created_us)}]
        ended = tuple(field.predicate for field in object_map.fields if not field.is_tracked and _is_empty(record.get(field.field)))
        cardinalities = {field.predicate: field.cardinality for field in object_map.fields}
    return Item(
        source=SOURCE,
        source_id=id18(str(record["Id"])),
        kind="record",
        occurred_at_us=stamp_us,
        content=content_of("\n".join(_lines(title, record, changes))),
        facts=tuple(facts),
        cardinalities=cardinalities,
        ended=ended,
    )


@dataclass(frozen=True, slots=True)
class _Telling:
    """What one record says, field by field."""

    subject: Mapping[str, Json]
    record: Record
    changes: Sequence[Change]
    created_us: int
    stamp_us: int

    def facts_of(self, field: FieldMap) -> Iterator[dict[str, Json]]:
        """Yield what a field says, and said before as far as the org keeps that."""
        changed = [change for change in self.changes if change.field == field.field][-MAX_CHANGES:] if field.is_tracked else []
        if not changed:
            yield from self._fact(field, self.record.get(field.field), self._since(field), None)
            return
        yield from self._fact(field, changed[0].before, self.created_us, changed[0].at_us)
        for change, following in zip(changed, (*changed[1:], None), strict=True):
            yield from self._fact(field, change.after, change.at_us, None if following is None else following.at_us)

    def _since(self, field: FieldMap) -> int:
        """Return since when a value holds of which no change is known: from the beginning, where a change would be known."""
        is_first_version = self.stamp_us == self.created_us
        return self.created_us if is_first_version or (field.is_tracked and self.changes) else self.stamp_us

    def _fact(self, field: FieldMap, value: Json, from_us: int, to_us: int | None) -> Iterator[dict[str, Json]]:
        if _is_empty(value) or (to_us is not None and to_us <= from_us):
            return
        said = self._referred(field, str(value)) if field.refers else value_text(value)
        yield {
            "subject": self.subject,
            "predicate": field.predicate,
            "value": said,
            "valid_from": time_text(from_us),
            "valid_to": time_text(to_us),
        }

    def _referred(self, field: FieldMap, record_id: str) -> dict[str, Json]:
        # The relation's name is that of whom the field refers to now.
        is_current = record_id == self.record.get(field.field)
        return referred(record_id, _related_name(self.record, field.refers) if is_current else "")


def referred(record_id: str, name: str) -> dict[str, Json]:
    """Return how another record is referred to: by its id, with the name that is known of it."""
    key = id18(record_id)
    return {"kind": KIND_BY_OBJECT.get(object_of(key), "record"), "name": name or key, "keys": {SOURCE: key}}


def value_text(value: Json) -> str:
    """Return a value as text, the same whether it came as JSON or CSV."""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    if isinstance(value, int | float) or text.replace(".", "", 1).lstrip("-").isdigit():
        return text.removesuffix(".0")
    return line_of(text, MAX_VALUE_CHARS)


def _subject(object_map: ObjectMap, record: Record) -> dict[str, Any]:
    keys: dict[str, Json] = {SOURCE: id18(str(record["Id"]))}
    for kind, field in object_map.keys.items():
        if key := line_of(record.get(field), MAX_KEY_CHARS):
            keys[kind] = key
    name = line_of(record.get(object_map.name_field), MAX_NAME_CHARS) or str(keys[SOURCE])
    return {"kind": object_map.kind, "name": name, "keys": keys}


def _role(role: RoleMap, record: Record, stamp_us: int) -> list[dict[str, Json]]:
    subject, other = record.get(role.subject_field), record.get(role.object_field)
    if _is_empty(subject) or _is_empty(other):
        return []
    predicate = line_of(record.get(role.predicate_field), MAX_PREDICATE_CHARS).casefold() or "contact"
    return [
        {
            "subject": referred(str(subject), _related_name(record, role.subject_relation)),
            "predicate": predicate,
            "value": referred(str(other), _related_name(record, role.object_relation)),
            "valid_from": time_text(stamp_us),
        }
    ]


def _related_name(record: Record, relation: str) -> str:
    related = record.get(relation)
    return line_of(related.get("Name"), MAX_NAME_CHARS) if isinstance(related, Mapping) else ""


def _is_empty(value: Json) -> bool:
    return value is None or value == ""


def _lines(title: str, record: Record, changes: Sequence[Change]) -> Iterator[str]:
    yield title
    for name, value in sorted(record.items()):
        if name == "attributes":
            continue
        if isinstance(value, Mapping):
            yield f"{name}: {line_of(value.get('Name'), MAX_NAME_CHARS)}"
        elif not _is_empty(value):
            yield f"{name}: {value_text(value)}"
    for change in changes[-MAX_CHANGES:]:
        yield f"{time_text(change.at_us)} {change.field}: {value_text(change.before)} → {value_text(change.after)}"
