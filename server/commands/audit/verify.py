"""`ascend audit verify`: follow the chain of the audit trail."""

import click

from server.commands.frame import CommandFailed, json_option, required_data, run_async, with_settings
from server.commands.rows import print_rows
from server.config.settings import Settings
from server.storage.store import open_store


@click.command()
@json_option
@with_settings
@run_async
async def command(settings: Settings, as_json: bool) -> None:
    """Check that no row of the audit trail was changed, removed or put in between; exit code 1 where one was.

    Note the last hash somewhere else: whoever could rewrite the whole store could seal a whole new trail, but not one that ends in it.
    """
    required_data(settings)
    async with open_store(settings) as store:
        found = await store.audit_trail.verify()
    if found.broken is not None:
        way_out = "compare with a backup, or with what the log sinks keep"
        raise CommandFailed(f"the audit trail does not hold at row {found.broken.seq}: {found.broken.why}; {way_out}")
    row = {"rows": found.rows, "removed_by_age": found.swept_seq, "last": found.last_seq, "last_hash": found.last_hash}
    if as_json:
        print_rows([row], as_json=True, empty="")
    else:
        click.echo(f"{found.rows} rows hold; the last is {found.last_seq}, hash {found.last_hash}")
