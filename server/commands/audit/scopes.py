"""`ascend audit scopes`: every operation asks for a scope."""

import click

from server.commands.audit.over_operations import over_operations
from server.commands.frame import CommandFailed
from server.commands.rows import print_rows
from tools.operation import Operation


@click.command()
@over_operations
def command(seen: list[Operation], as_json: bool) -> None:
    """Show operation -> scope; fail when an operation has none."""
    rows = [{"operation": each.id, "scope": each.required_scope, "access": each.access} for each in seen]
    print_rows(rows, as_json=as_json, empty="no operations")
    if without := [str(row["operation"]) for row in rows if not row["scope"]]:
        raise CommandFailed(f"{len(without)} operations need no scope: {', '.join(without[:5])}; give each an access tier")
