"""`ascend import review` and `ascend import accept`: see what upstream MCP servers changed, and let it in."""

import json
from collections.abc import Sequence
from typing import Any

import click

from server.admin.nouns.held_tools import EVERY_TENANT, accept_tools, held_facts
from server.commands.frame import json_option, required_data, run_async, with_settings
from server.commands.import_whose import whose, whose_options
from server.commands.refused import admin_refusals_told
from server.commands.terminal import say
from server.config.settings import Settings
from server.storage.store import Store, open_store
from tools.catalog.quarantine import HeldTool, stamp_of
from tools.sources.importing import accepted_definitions

NOTHING = "nothing is held; what upstream MCP servers change appears here"

MAX_SHOWN_CHARS = 2_000


@click.command("review")
@click.argument("provider", required=False)
@whose_options
@json_option
@with_settings
@run_async
async def review(settings: Settings, provider: str | None, tenant: str | None, shared: bool, as_json: bool) -> None:
    """Show what MCP servers changed since it was accepted: each difference as it was and is, and what makes it riskier.

    Without --tenant or --shared, of every owner.
    """
    required_data(settings)
    every = not tenant and not shared
    owner = None if every else whose(tenant, shared)
    async with open_store(settings) as store:
        everything = await store.quarantine.load_held()
        held = [each for each in everything if provider in (None, each.provider) and (every or each.tenant_id == owner)]
        rows = [{**await _facts(store, each), "seen": _stamp(everything, each)} for each in held]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        say(NOTHING)
    for row in rows:
        _show(row)
    for whom, name, seen in sorted({(row["whose"], row["provider"], row["seen"]) for row in rows}):
        option = "--shared" if whom == EVERY_TENANT else f"--tenant {whom}"
        say(f"accept exactly this with `ascend import accept {name} {option} --seen {seen}`, or one by its name")


@click.command("accept")
@click.argument("provider")
@click.argument("tools", nargs=-1, metavar="[TOOL]...")
@whose_options
@click.option("--seen", default=None, metavar="STAMP", help="Only if what is held is still what the review with this stamp showed.")
@with_settings
@run_async
async def accept(settings: Settings, provider: str, tools: tuple[str, ...], tenant: str | None, shared: bool, seen: str | None) -> None:
    """Accept what is held of PROVIDER as `ascend import review` shows it: all, or only each TOOL (or operation) named.

    Nothing is fetched. With --seen, what comes in is what was reviewed, although the server may have changed again meanwhile.
    Running servers see it at once.
    """
    required_data(settings)
    owner = whose(tenant, shared)
    async with open_store(settings) as store:
        with admin_refusals_told():
            accepted = await accept_tools(store.operations, store.quarantine, owner, provider, tools, seen)
    for line in accepted:
        say(line)


async def _facts(store: Store, held: HeldTool) -> dict[str, Any]:
    known = accepted_definitions(await store.operations.load_provider(held.tenant_id, held.provider))
    whose_it_is = {"provider": held.provider, "whose": held.tenant_id or EVERY_TENANT}
    seen = {"seen_for": held.concerns} if held.concerns is not None else {}
    return {**whose_it_is, **seen, **held_facts(held, known.get(held.operation_id))}


def _stamp(everything: Sequence[HeldTool], one: HeldTool) -> str:
    """Return the stamp of all that is held of the source of `one`."""
    return stamp_of(each for each in everything if (each.tenant_id, each.provider) == (one.tenant_id, one.provider))


def _show(row: dict[str, Any]) -> None:
    say(f"{row['operation']} ({row['reason']}) of {row['whose']}" + (f", seen by {row['seen_for']}" if "seen_for" in row else ""))
    for risk in row["riskier"]:
        say(f"  riskier: {risk}")
    for part, change in row["changes"].items():
        if isinstance(change, dict) and change.keys() == {"was", "is"}:
            say(f"  {part}")
            say(f"    was {_shown(change['was'])}")
            say(f"    is  {_shown(change['is'])}")
        elif change:
            say(f"  {part}: {_shown(change)}")


def _shown(value: Any) -> str:
    """Return a value on one line, characters that nobody would see written out."""
    text = "nothing" if value is None else json.dumps(value)
    # Never silently: what is not shown is where somebody would hide something.
    return (
        text
        if len(text) <= MAX_SHOWN_CHARS
        else f"{text[:MAX_SHOWN_CHARS]} … and {len(text) - MAX_SHOWN_CHARS} characters more; --json shows all"
    )
