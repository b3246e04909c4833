"""`ascend context retract`."""

import json

import click

from server.commands.context.opened import local, open_context, tenant_option, told
from server.commands.frame import CommandFailed, Settings, json_option, run_async, with_settings
from server.commands.terminal import say
from tools.context_plane.errors import ContextRefused
from tools.context_plane.retraction import context_retract


@click.command("retract")
@click.argument("fact_id", metavar="FACT")
@click.option("--at", metavar="TIME", help="When it stopped being true  [it never was]")
@click.option("--reason", default="", help="Why, for the record.")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, fact_id: str, at: str | None, reason: str, tenant: str, as_json: bool) -> None:
    """End FACT (fct_…) at a moment, or withdraw it as never true. History stays: `ascend context forget` deletes."""
    given = {"fact_id": fact_id} | ({"at": at} if at else {}) | ({"reason": reason} if reason else {})
    async with open_context(settings, tenant) as (plane, _scope):
        try:
            data = await context_retract(plane.store.context, local(tenant), given)
        except ContextRefused as refusal:
            raise CommandFailed(told(refusal)) from refusal
    if as_json:
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
    else:
        say(f"{'ended' if at else 'withdrawn'}: {fact_id}")
