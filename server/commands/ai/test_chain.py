"""`ascend ai test-chain`: how a route fails over, before a provider shows it."""

import json
import random
from dataclasses import asdict
from datetime import UTC, datetime

import click

from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.progress_bar import progress_bar
from server.commands.rows import print_rows
from server.commands.terminal import say
from server.config.settings import Settings
from server.demo.failover.scenarios import SCENARIOS
from server.demo.failover.trial import RouteShape, play_all
from server.storage.store import open_store
from tools.ai_gateway.configuration.config import AiConfig
from tools.ai_gateway.configuration.live import LiveConfig
from tools.ai_gateway.latencies import TargetStanding
from tools.ai_gateway.model_request import ModelCaller, ModelRequest, Wishes
from tools.ai_gateway.pricing.price_book import PriceBook
from tools.ai_gateway.routing.flattening import Flattening
from tools.ai_gateway.routing.routing_table import RoutingTable
from tools.versioned_documents.faults import meant


@click.command("test-chain")
@click.argument("route")
@json_option
@with_settings
@run_async
async def command(settings: Settings, route: str, as_json: bool) -> None:
    """Play sixteen failures of providers to a route of the shape of ROUTE; no provider is called, nothing is spent.

    The route has as many targets as ROUTE, in their dialects, with the configuration's circuit breaker and its time limits, in the
    same proportions and about a second long. All targets but the last misbehave. pass: as it should be; safe: not rescued, and the
    caller was told so, which is all that one target can do; fail: the caller was deceived, or a provider asked too often. Exit 1 if
    any fails.
    """
    async with open_store(settings) as store:
        live = LiveConfig(store.ai_configs)
        await live.load()
    shape = shape_of(live.current, route)
    with progress_bar(f"failures of {route}") as report:
        results = await play_all(shape, lambda over: report(over, len(SCENARIOS)) if report is not None else None)
    print_rows([asdict(each) for each in results], as_json=as_json, empty="")
    if len(shape.dialects) == 1 and not as_json:
        say(f"{route} has one target: give it a second one, at another provider, and nothing of this reaches a caller")
    if failed := [each.id for each in results if each.verdict == "fail"]:
        raise CommandFailed(f"{len(failed)} of {len(results)} scenarios failed: {', '.join(failed)}")


def shape_of(config: AiConfig, route: str) -> RouteShape:
    """Return how many targets a route has for a simple request, and their dialects. Raises CommandFailed."""
    if route not in config.routes:
        raise CommandFailed(f"no route {route!r}{meant(route, config.routes) or '; `ascend ai models` lists them'}")
    body = {"messages": [{"role": "user", "content": "hello"}]}
    request = ModelRequest("chat", json.dumps(body).encode(), body, ModelCaller("default"), Wishes())
    standing = TargetStanding(PriceBook(lambda: config.prices))
    flattening = Flattening(RoutingTable(config), request, standing, datetime.now(UTC).date(), random.random, [])
    targets = flattening.targets(route)
    if not targets:
        raise CommandFailed(f"route {route!r} leads nowhere: its last day is over, or its targets are")
    # The demo provider speaks two dialects; the others fail in the same ways.
    return RouteShape(tuple("anthropic" if each.provider.dialect == "anthropic" else "openai" for each in targets), config.defaults)
