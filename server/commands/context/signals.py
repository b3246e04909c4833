"""`ascend context signals`."""

import click

from server.commands.context.opened import open_context, tenant_option, told
from server.commands.frame import CommandFailed, Settings, json_option, run_async, with_settings
from server.commands.rows import print_rows
from tools.context_plane.errors import ContextRefused
from tools.context_plane.ids import ENTITY, FACT, id_text
from tools.context_plane.times import time_text


@click.command("signals")
@click.argument("names", nargs=-1, metavar="NAME|ID...")
@click.option("-n", "--limit", default=50, show_default=True, type=click.IntRange(1, 1_000), help="How many of those on record.")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, names: tuple[str, ...], limit: int, tenant: str, as_json: bool) -> None:
    """Evaluate every rule for the entities NAME, and keep what they say; without a NAME, list what was said before.

    Rules: champion-left, stale-owner, contradiction. Each evaluation names the version of its rule and the facts that it went by.
    """
    async with open_context(settings, tenant) as (plane, _scope):
        try:
            found = await plane.signals.evaluate(tenant, names) if names else await plane.store.signals.latest(tenant, (), limit)
        except ContextRefused as refusal:
            raise CommandFailed(told(refusal)) from refusal
    rows = [
        {
            "signal": each.signal,
            "rule_version": each.rule_version,
            "subject": id_text(ENTITY, each.subject_id),
            "verdict": each.verdict,
            "score": each.score,
            "reason": each.reason,
            "facts": ", ".join(id_text(FACT, fact_id) for fact_id in each.fact_ids),
            "at": time_text(each.evaluated_at_us),
        }
        for each in found
    ]
    print_rows(rows, as_json=as_json, empty="no rule has anything to say")
