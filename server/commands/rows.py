"""Print a list: a table for people, JSON for programs."""

import json
import sys
from collections.abc import Mapping, Sequence

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tools.plain_text import written_out


def print_rows(rows: Sequence[Mapping[str, object]], *, as_json: bool, empty: str) -> None:
    """Print rows of equal keys as a table, or as a JSON list; `empty` is said instead of a table without rows."""
    if as_json:
        click.echo(json.dumps(list(rows), indent=2, default=str))
        return
    if not rows:
        click.echo(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0]:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        # As text: a value is neither markup of the table nor a command to the terminal.
        table.add_row(*(Text(_shown(value)) for value in row.values()))
    # Into a file or a pipe, a row is a line however long it gets.
    Console(width=None if sys.stdout.isatty() else 400).print(table)


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and 0 < abs(value) < 0.001:
        # Dollars of one call: nobody reads 1.05e-05.
        return f"{value:.12f}".rstrip("0")
    return written_out(str(value))
