"""`ascend audit operations`: names and tiers say what an operation does."""

import click

from server.commands.audit.over_operations import over_operations
from server.commands.frame import CommandFailed
from server.commands.rows import print_rows
from tools.operation import Operation
from tools.sources.operation_audit import misfits_of


@click.command()
@over_operations
def command(seen: list[Operation], as_json: bool) -> None:
    """Fail when a name or a tier says something else than method and description."""
    rows = [{"operation": each.id, "access": each.access, "misfit": misfit} for each in seen for misfit in misfits_of(each)]
    print_rows(rows, as_json=as_json, empty="every name and tier fits")
    if rows:
        way_out = "import again with --fresh for new names, or set id and access in an overlay"
        raise CommandFailed(f"{len({row['operation'] for row in rows})} operations do not do what they are called; {way_out}")
