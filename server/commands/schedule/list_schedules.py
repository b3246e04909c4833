"""`ascend schedule list`."""

import click

from server.commands.frame import json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.schedule.opened import open_schedules, tenant_option
from server.commands.schedule.rows import schedule_row
from server.commands.terminal import say
from server.commands.user import emails_of
from server.config.settings import Settings
from tools.workflows.ingestion.accounts import WITH_ACCOUNT


@click.command("list")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, tenant: str, as_json: bool) -> None:
    """List a tenant's schedules: what each starts, when it comes next (UTC) and how its last run went.

    One that the gateway brought starts nothing where there is nothing to look at, such as connections or calls.
    """
    async with open_schedules(settings, tenant) as scheduled:
        store = scheduled.store
        last = await store.durable.schedules.last_runs(tenant)
        people = await emails_of(store, tenant)
        found = await store.durable.schedules.of(tenant)
    rows = [schedule_row(each, last.get(each.name), people) for each in found]
    if as_json:
        rows = [row | {"given": each.given, "origin": each.origin, "paused": each.is_paused} for row, each in zip(rows, found, strict=True)]
    print_rows(rows, as_json=as_json, empty="no schedules")
    for each in found:
        if each.name in WITH_ACCOUNT and each.origin == "builtin" and each.next_at_us is not None:
            say(f"ascend: note: {WITH_ACCOUNT[each.name].said}", err=True)
