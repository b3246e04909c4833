"""`ascend context predicates`."""

from functools import partial

import click

from server.commands.context.opened import open_context, tenant_option
from server.commands.frame import Settings, json_option, run_async, with_settings
from server.commands.rows import print_rows
from tools.context_plane.beliefs.recompute import Difference
from tools.context_plane.facts import Cardinality
from tools.context_plane.predicates import declare
from tools.context_plane.stores import ContextRows
from tools.operation import Json


@click.command("predicates")
@click.argument("names", nargs=-1, metavar="NAME...", required=True)
@click.option("--one", "cardinality", flag_value="one", help="A subject has one value of it at a time: stage, owner, employer.")
@click.option("--many", "cardinality", flag_value="many", help="A subject may have several at a time: the default of every predicate.")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, names: tuple[str, ...], cardinality: Cardinality | None, tenant: str, as_json: bool) -> None:
    """Declare how many values predicates NAME have at a time, or show what was declared. What is believed follows at once.

    Of a predicate with one value, an open end lasts until another value begins. A wrong declaration loses nothing: declare the other.
    """
    async with open_context(settings, tenant) as (plane, _scope):
        work = partial(_declared, names=[" ".join(each.split()).casefold() for each in names], cardinality=cardinality)
        # Looking changes nothing, so it waits for nobody.
        rows = await (plane.store.context.read if cardinality is None else plane.store.context.change)(tenant, work)
    print_rows(rows, as_json=as_json, empty="")


def _declared(held: ContextRows, names: list[str], cardinality: Cardinality | None) -> list[dict[str, Json]]:
    differences = {name: Difference() if cardinality is None else declare(held, name, cardinality) for name in names}
    known = held.cardinalities(names)
    return [
        {
            "predicate": name,
            "values": known.get(name, "many"),
            "facts_retired": len(difference.retired),
            "facts_added": len(difference.added),
        }
        for name, difference in differences.items()
    ]
