"""`ascend context link`."""

import json

import click

from server.commands.context.opened import local, open_context, tenant_option, told
from server.commands.frame import CommandFailed, Settings, json_option, run_async, with_settings
from server.commands.terminal import say
from tools.context_plane.errors import ContextRefused
from tools.context_plane.identity.decisions import context_link


@click.command("link")
@click.argument("entity", metavar="NAME|ID")
@click.argument("other", metavar="NAME|ID")
@click.option("--same", "decision", flag_value="same", help="OTHER stands for both from now on.")
@click.option("--different", "decision", flag_value="different", help="They are not proposed any more.")
@click.option("--undo", "decision", flag_value="undo", help="Take back either; each has its own again.")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, entity: str, other: str, decision: str | None, tenant: str, as_json: bool) -> None:
    """Decide whether ENTITY and OTHER are one. `ascend context proposals` lists who may be, with ids."""
    if decision is None:
        raise click.UsageError("say --same, --different or --undo")
    async with open_context(settings, tenant) as (plane, _scope):
        try:
            data = await context_link(plane.store.context, local(tenant), {"entity": entity, "other": other, "decision": decision})
        except ContextRefused as refusal:
            raise CommandFailed(told(refusal)) from refusal
    if as_json:
        click.echo(json.dumps(data, indent=2))
        return
    said = {"same": f"{entity} is {other} now", "different": f"{entity} is not {other}", "undo": f"{entity} and {other} are open again"}
    say(f"{said[decision]}; facts: {data['retired']} retired, {data['believed']} added")
