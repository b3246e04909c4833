"""`ascend context proposals`."""

import json

import click

from server.audited import unaudited
from server.commands.context.opened import local, open_context, tenant_option, told
from server.commands.frame import CommandFailed, Settings, json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.terminal import say
from tools.context_plane.errors import ContextRefused
from tools.context_plane.identity.listing import MOST

#: of comparing what is new, before it says that it is not through
STEPS = 1_000


@click.command("proposals")
@click.argument("entity", required=False, metavar="NAME|ID")
@click.option("--decided", is_flag=True, help="Those that somebody decided, to be undone.")
@click.option("-n", "--limit", default=50, show_default=True, type=click.IntRange(1, MOST), help="How many.")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, entity: str | None, decided: bool, limit: int, tenant: str, as_json: bool) -> None:
    """List entities that may be one: with ENTITY, or with each other; why, and what a model thinks where the tenant has one.

    Nothing is merged by itself: `ascend context link ID ID --same` does it, `--different` has them proposed no more, `--undo` takes
    either back.
    """
    given = {"decided": decided, "limit": limit} | ({"entity": entity} if entity else {})
    async with open_context(settings, tenant) as (plane, _scope):
        try:
            # Comparing writes down what it finds: that is upkeep, and nobody's decision.
            with unaudited():
                found = await plane.proposals(local(tenant), given, STEPS)
        except ContextRefused as refusal:
            raise CommandFailed(told(refusal)) from refusal
    if as_json:
        click.echo(json.dumps(found.plain(), indent=2, ensure_ascii=False))
        return
    rows = [
        {
            "entity": f"{each['entity']['name']} ({each['entity']['kind']})",
            "id": each["entity"]["id"],
            "other": f"{each['other']['name']} ({each['other']['kind']})",
            "other id": each["other"]["id"],
            "alike": each["similarity"],
            "keys": "conflict" if each["has_conflicting_keys"] else ", ".join(f"{kind} {key}" for kind, key in each["shared_keys"]),
            "verdict": f"{each['verdict']}: {each['reason']}" if each["verdict"] else "",
            "decided": f"{each['decision']} by {each['decided_by']}" if each["decision"] else "",
        }
        for each in found.shown
    ]
    print_rows(rows, as_json=False, empty="nobody is proposed to be somebody else")
    if not found.is_all:
        say("more is being compared; ask again")
