"""`ascend ai models`: what callers may name as their model."""

from datetime import UTC, datetime

import click

from server.commands.frame import json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.user import known_tenant
from server.config.settings import Settings
from server.storage.store import open_store
from tools.ai_gateway.configuration.live import LiveConfig
from tools.ai_gateway.model_request import ModelCaller
from tools.ai_gateway.routing.routing_table import RoutingTable


@click.command()
@click.option("--tenant", default="default", show_default=True, help="What this tenant may use.")
@json_option
@with_settings
@run_async
async def command(settings: Settings, tenant: str, as_json: bool) -> None:
    """List routes and the models that the configuration speaks of; any other model of a provider may be named too, as provider/model."""
    async with open_store(settings) as store:
        await known_tenant(store, tenant)
        live = LiveConfig(store.ai_configs)
        await live.load()
    table = RoutingTable(live.current)
    names = table.usable_by(ModelCaller(tenant), datetime.now(UTC).date())
    print_rows([_row(table, name) for name in names], as_json=as_json, empty=f"tenant {tenant} may use nothing; see allow and deny")


def _row(table: RoutingTable, name: str) -> dict[str, object]:
    route = table.route(name)
    target = None if route is not None else table.target(name)
    facts = None if target is None else table.facts(target)
    leads_to = [] if route is None else [*(each.use for each in route.when), *(each.use for each in route.targets)]
    experiment = table.experiment(name)
    return {
        "id": name,
        "kind": "route" if route is not None else "model",
        "leads_to": ", ".join(dict.fromkeys(leads_to)),
        "pick": None if route is None else route.pick,
        "context": None if facts is None else facts.context_tokens,
        "can": None if facts is None or facts.can is None else ", ".join(sorted(facts.can)),
        "experiment": None if experiment is None else experiment.name,
        "sunset": None if route is None or route.sunset is None else route.sunset.isoformat(),
    }
