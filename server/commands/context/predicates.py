"""`ascend context predicates`."""

import click

from server.commands.context.opened import open_context, tenant_option
from server.commands.frame import Settings, json_option, run_async, with_settings
from server.commands.rows import print_rows
from tools.context_plane.beliefs.recompute import Difference
from tools.context_plane.facts import Cardinality
from tools.context_plane.predicates import declare_by_and_by, normal_predicate
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
    names = tuple(dict.fromkeys(normal_predicate(each) for each in names))
    async with open_context(settings, tenant) as (plane, _scope):
        context = plane.store.context
        differences = {
            name: Difference() if cardinality is None else await declare_by_and_by(context, tenant, name, cardinality) for name in names
        }
        known = await context.read(tenant, lambda rows: rows.cardinalities(names))
    rows: list[dict[str, Json]] = [
        {
            "predicate": name,
            "values": known.get(name, "many"),
            "facts_retired": len(difference.retired),
            "facts_added": len(difference.added),
        }
        for name, difference in differences.items()
    ]
    print_rows(rows, as_json=as_json, empty="")
