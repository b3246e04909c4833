"""`ascend trust list`."""

import click

from server.admin.nouns.machines.trust import policy_row
from server.commands.frame import json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.config.settings import Settings
from server.storage.store import open_store

_SHOWN = ("name", "tenant", "role", "reach", "issuer", "claims", "audience")


@click.command("list")
@click.option("--tenant", default=None, metavar="NAME", help="Of this tenant only.")
@json_option
@with_settings
@run_async
async def command(settings: Settings, tenant: str | None, as_json: bool) -> None:
    """List trust policies."""
    async with open_store(settings) as store:
        rows = [policy_row(each) for each in await store.machines.policies.all(tenant)]
    shown = [{name: row[name] for name in _SHOWN} for row in rows]
    print_rows(shown, as_json=as_json, empty="no trust policies; `ascend trust add` adds one")
