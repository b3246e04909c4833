"""`ascend service list`."""

import click

from server.admin.nouns.machines.services import service_rows
from server.commands.frame import json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.times import shown_time
from server.config.settings import Settings
from server.storage.store import open_store

_SHOWN = ("name", "tenant", "role", "reach", "from", "last_used", "expires", "state", "id")
_TIMES = ("last_used", "expires")


@click.command("list")
@click.option("--tenant", default=None, metavar="NAME", help="Of this tenant only.")
@json_option
@with_settings
@run_async
async def command(settings: Settings, tenant: str | None, as_json: bool) -> None:
    """List service principals: role, reach, from where, when used last, and when each ends."""
    async with open_store(settings) as store:
        rows = await service_rows(store.clients, await store.machines.services.all(tenant))
    shown = [{name: shown_time(row[name]) if name in _TIMES else row[name] for name in _SHOWN} for row in rows]
    print_rows(shown, as_json=as_json, empty="no services; add one with `ascend service add NAME --key FILE`")
