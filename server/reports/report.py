"""What a report is: figures with what they were before, short tables, findings. Nothing in it names a secret or quotes a caller."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tools.context_plane.times import time_text
from tools.operation import Json
from tools.workflows.jobs.report import MAX_FINDINGS, clean

#: the most rows of a table; the rest is in the lists that it sums up
MAX_ROWS = 20
Unit = Literal["", "ms", "usd", "percent", "bytes"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number; `before`: of the time of the same length before, None where nobody knows."""

    name: str
    value: float | None
    unit: Unit = ""
    before: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts and numbers in the order of `columns`."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Json, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """`findings` as jobs leave them (tools/workflows/jobs/report.py); `counts`: whole numbers of the whole, for whoever compares runs."""

    title: str
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    findings: tuple[Mapping[str, Json], ...] = ()
    counts: Mapping[str, int] | None = None

    def as_json(self, checked_at_us: int) -> dict[str, Json]:
        """Return it as it is kept and sent: with the members of every job's report, and its own beside them."""
        figures: list[Json] = [_figure(each) for each in self.figures]
        tables: list[Json] = [
            {"title": table.title, "columns": list(table.columns), "rows": [[_cell(cell) for cell in row] for row in table.rows[:MAX_ROWS]]}
            for table in self.tables
        ]
        findings: list[Json] = [dict(each) for each in self.findings[:MAX_FINDINGS]]
        counts: dict[str, Json] = {**(self.counts or {}), "findings": len(self.findings)}
        said: dict[str, Json] = {"title": self.title, "findings": findings, "counts": counts, "checked_at": time_text(checked_at_us)}
        return said | {"figures": figures, "tables": tables}


def rows_of(rows: Sequence[Sequence[Json]]) -> tuple[tuple[Json, ...], ...]:
    """Return the first rows as a table has them."""
    return tuple(tuple(row) for row in rows[:MAX_ROWS])


def _figure(figure: Figure) -> dict[str, Json]:
    said: dict[str, Json] = {"name": figure.name, "value": _rounded(figure.value), "unit": figure.unit}
    return said if figure.before is None else said | {"before": _rounded(figure.before)}


def _rounded(value: float | None) -> float | int | None:
    if value is None or isinstance(value, int):
        return value
    return round(value, 3)


def _cell(cell: Json) -> Json:
    return clean(cell) if isinstance(cell, str) else cell
