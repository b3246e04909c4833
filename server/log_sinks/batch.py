"""The rows that go together, as text: without what looks like a secret, and the same bytes each time."""

import gzip
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import orjson

from server.storage.history.shipped_rows import ShippedRow, Stream
from tools.text.secrets_in_text import redact

#: gzip's fastest but one: the next takes twice as long for a twentieth
GZIP_LEVEL = 4
#: what every secret in text has about it (tools/text/secrets_in_text.py)
_MAY_HOLD = re.compile(r"[\s=:]|asc_|eyJ")
#: written by us, or numbers as text
_PLAIN = frozenset({"seq", "time", "time_us", "hash", "before", "trace_id", "details", "duration_ms", "success"})


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one stream in the order of their numbers; `name` is the same for the same rows, whoever sends them."""

    stream: Stream
    rows: Sequence[ShippedRow]

    @property
    def name(self) -> str:
        """Return time, first and last number: a store that was put back begins with the same numbers at another time."""
        return f"{self.rows[0]['time_us']}-{self.rows[0]['seq']}-{self.rows[-1]['seq']}"

    def by_day(self) -> Iterator[tuple[str, "Batch"]]:
        """Yield the rows of each day in UTC; two at most, but for rows that were written late."""
        in_days = sorted(self.rows, key=lambda row: (row["time"][:10], row["seq"]))
        for day, rows in groupby(in_days, key=lambda row: str(row["time"])[:10]):
            yield day, Batch(self.stream, list(rows))

    def clean(self) -> list[Mapping[str, Any]]:
        """Return the rows as they leave."""
        return [_clean(row) for row in self.rows]

    def as_lines(self) -> bytes:
        """Return a line of JSON a row, each with its end."""
        return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in self.clean())

    def as_array(self) -> bytes:
        return orjson.dumps(self.clean())


def packed(body: bytes) -> bytes:
    """Return a body gzipped; the same bytes for the same body (no time in its head)."""
    return gzip.compress(body, GZIP_LEVEL, mtime=0)


def _clean(row: ShippedRow) -> Mapping[str, Any]:
    """Return a row without what looks like a secret.

    Nothing of that kind should be in it: reasons, audited details and lines are cleaned before they are kept. A sealed row of the trail
    that loses something here says so; its hash still leads on to the next.
    """
    taken = {name: _without_secrets(value) for name, value in row.items() if name not in _PLAIN}
    if isinstance(details := row.get("details"), str):
        inside = orjson.loads(details)
        # As text it has names and values side by side, some of which only look like one.
        taken["details"] = details if _without_secrets(inside) == inside else orjson.dumps(_without_secrets(inside)).decode()
    changed = {name: value for name, value in taken.items() if value != row[name]}
    return {**row, **changed, "is_redacted": True} if changed else row


def _without_secrets(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value) if _MAY_HOLD.search(value) else value
    if isinstance(value, dict):
        return {name: _without_secrets(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_without_secrets(member) for member in value]
    return value
