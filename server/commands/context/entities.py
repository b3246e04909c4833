"""`ascend context entities`."""

import click

from server.commands.context.opened import open_context, tenant_option
from server.commands.frame import Settings, json_option, run_async, with_settings
from server.commands.rows import print_rows
from tools.context_plane.identity.names import normal_name
from tools.context_plane.retrieval.shown_fact import shown_entity


@click.command("entities")
@click.argument("name", required=False, default="")
@click.option("--kind", default="", metavar="KIND", help="Only of this kind: account, person, deal …")
@click.option("-n", "--limit", default=50, show_default=True, type=click.IntRange(1, 1_000), help="How many.")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, name: str, kind: str, limit: int, tenant: str, as_json: bool) -> None:
    """List the entities that something is known of, or those with NAME in their name."""
    async with open_context(settings, tenant) as (plane, scope):
        found = await plane.store.knowledge.entities(tenant, scope.audiences, normal_name(name), kind.casefold(), 0, limit)
    rows = [shown_entity(entity) for entity in sorted(found, key=lambda each: (each.kind, each.normal_name))]
    print_rows(rows, as_json=as_json, empty="nobody and nothing is known; `ascend context assert FILE` remembers facts")
