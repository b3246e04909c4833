"""`ascend workflow definitions`: which workflows a tenant defined."""

import click

from server.commands.frame import json_option, run_async, with_settings
from server.commands.one_tenant import open_tenant
from server.commands.rows import print_rows
from server.commands.times import shown_time
from server.commands.user import emails_of
from server.commands.workflow.opened import tenant_option
from server.config.settings import Settings


@click.command()
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, tenant: str, as_json: bool) -> None:
    """List the workflows that a tenant defined, in their newest versions."""
    async with open_tenant(settings, tenant) as store:
        found = await store.durable.definitions.newest(tenant)
        emails = await emails_of(store, tenant) if found else {}
    rows: list[dict[str, object]] = [
        {
            "workflow": each.name,
            "version": each.version,
            "title": each.source.get("title", ""),
            "steps": len(each.source["steps"]),
            "agreed": " ".join(each.agreed) or None,
            "accepted_by": emails.get(each.accepted_by, each.accepted_by) or None,
            "applied": shown_time(each.created_at_us),
        }
        for each in found
    ]
    print_rows(rows, as_json=as_json, empty="no workflows defined yet; `ascend workflow apply FILE` keeps one")
