"""A row as programs read it: what its columns call a time is written out, everything else is as the noun gives it."""

from server.admin.lists.moment import moment_text
from server.admin.resource import Resource, Row
from tools.operation import Json


def written(resource: Resource, row: Row) -> dict[str, Json]:
    """Return the row as JSON."""
    times = {column.name for column in (*resource.columns, *resource.facts) if column.kind == "time"}
    return {name: moment_text(value) if name in times and value is not None else value for name, value in row.items()}
