"""The rows of the demo CRM, in memory, and what all kinds of records have in common."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from oauth import base64url
from server.demo.problems import invalid, not_found
from server.demo.seed import Row, first_tables

#: table -> (word for one record, prefix of its ids)
KINDS = {
    "contacts": ("contact", "con"),
    "companies": ("company", "com"),
    "deals": ("deal", "dea"),
    "notes": ("note", "not"),
    "owners": ("owner", "own"),
    "products": ("product", "pro"),
}


class Records:
    """All tables. Ids rise within a table, so a page goes on after the last id of the page before, whatever was added since."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._rows_by_table = first_tables()
        self._next_number = {table: self._last_number(table) + 1 for table in KINDS}

    def get(self, table: str, record_id: str) -> Row:
        """Return one row. Raises Problem 404."""
        try:
            return self._rows_by_table[table][record_id]
        except KeyError:
            raise not_found(KINDS[table][0], record_id) from None

    def find(self, table: str, **wanted: object) -> list[Row]:
        """Return the rows whose fields equal `wanted`; a wanted None does not narrow."""
        narrowing = {name: value for name, value in wanted.items() if value is not None}
        return [row for row in self._rows_by_table[table].values() if all(row.get(name) == value for name, value in narrowing.items())]

    def add(self, table: str, fields: Mapping[str, object]) -> Row:
        """Add a row with a new id and return it."""
        number = self._next_number[table]
        self._next_number[table] = number + 1
        record_id = f"{KINDS[table][1]}_{number}"
        created_at = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        self._rows_by_table[table][record_id] = row = {"id": record_id, **fields, "created_at": created_at}
        return row

    def remove(self, table: str, record_id: str) -> None:
        """Remove a row and the notes about it."""
        self.get(table, record_id)
        del self._rows_by_table[table][record_id]
        for note in [note for note in self.find("notes", about_id=record_id) if table != "notes"]:
            del self._rows_by_table["notes"][note["id"]]

    def must_exist(self, field: str, table: str, record_id: object) -> None:
        """Check that a field names a row that is there. Raises Problem 422."""
        if record_id is not None and record_id not in self._rows_by_table[table]:
            raise invalid((field, f"no {KINDS[table][0]} {record_id!r}"))

    def _last_number(self, table: str) -> int:
        return max(int(record_id.partition("_")[2]) for record_id in self._rows_by_table[table])


def matching(rows: Iterable[Row], query: str, text_of: Callable[[Row], str]) -> list[Row]:
    """Return the rows whose text contains every word of `query`, whatever the case."""
    words = query.casefold().split()
    return [row for row in rows if all(word in text_of(row).casefold() for word in words)]


def page(rows: Iterable[Row], limit: int, after: str | None) -> Row:
    """Return up to `limit` rows after the cursor, and the cursor of the next page. Raises Problem 422 for a foreign cursor."""
    ordered = sorted(rows, key=_number)
    if after is not None:
        last = _opened(after)
        ordered = [row for row in ordered if _number(row) > last]
    results = ordered[:limit]
    has_more = len(ordered) > limit
    cursor = base64url.encode(f"after:{_number(results[-1])}".encode()) if has_more else None
    return {"results": results, "paging": {"after": cursor, "has_more": has_more}}


def _number(row: Row) -> int:
    return int(row["id"].partition("_")[2])


def _opened(cursor: str) -> int:
    try:
        word, _, number = base64url.decode(cursor).decode().partition(":")
        if word == "after":
            return int(number)
    except ValueError:
        word = ""
    raise invalid(("after", "is not a cursor of this list; give paging.after of the page before"))
