"""`ascend ai apply`: put a file in force."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import click

from server.commands.frame import json_option, run_async, with_settings
from server.commands.private_addresses import way_to_allow
from server.commands.refused_file import RefusedFile
from server.commands.terminal import say
from server.config.settings import Settings
from server.storage.store import open_store
from tools.ai_gateway.configuration.build_config import build_config
from tools.ai_gateway.configuration.changes import ConfigChanges
from tools.ai_gateway.configuration.config import AiConfig
from tools.ai_gateway.configuration.notes import notes_on
from tools.ai_gateway.configuration.read_document import MAX_BYTES, read_toml
from tools.egress.addresses import AddressRules
from tools.errors import EgressRefused
from tools.versioned_documents.differences import differences
from tools.versioned_documents.faults import ConfigInvalid

#: as versions name who applied them
BY = "ascend ai"


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@json_option
@with_settings
@run_async
async def command(settings: Settings, file: BinaryIO, dry_run: bool, as_json: bool) -> None:
    """Put FILE in force as the next version of the configuration; `-` reads standard input.

    FILE is TOML: providers, models, routes, tenants, gateways, budgets, limits, prices, experiments. It replaces what was there.
    Everything wrong with it is said at once, and then nothing changes; else running gateways follow within two seconds. Keys of
    providers are not in it: `ascend connection add-key NAME` takes them.
    """
    raw = file.read(MAX_BYTES + 1)
    async with open_store(settings) as store:
        tenants = [tenant.tenant_id for tenant in await store.tenants.all()]
        try:
            document = read_toml(raw, tenants)
        except ConfigInvalid as error:
            raise RefusedFile(file.name, error.faults) from error
        before = await store.ai_configs.newest()
        version = before.version if dry_run else (await ConfigChanges(store.ai_configs, tenants).apply(document, BY)).version
    config = build_config(document)
    lines, notes = differences(before.document, document), [*notes_on(config, tenants), *_refused_addresses(settings, config, document)]
    for note in notes:
        say(f"ascend: note: {note}", err=True)
    if as_json:
        said: dict[str, Any] = {"version": version, "applied": not dry_run, "changes": lines, "notes": notes}
        click.echo(json.dumps(said, indent=2))
        return
    for line in lines:
        if dry_run:
            say(line)
    if not lines:
        say(f"nothing changes; version {version} says the same")
    elif dry_run:
        say(f"{len(lines)} values would change; version {version} stays in force")
    else:
        say(f"version {version} is in force ({len(lines)} values changed); running gateways follow within two seconds")


def _refused_addresses(settings: Settings, config: AiConfig, document: Mapping[str, Any]) -> Iterator[str]:
    """Yield a note for each provider in use that the gateway may not call as it is set here: a model on one's own machine, mostly."""
    rules = AddressRules(settings.egress.egress_allow)
    named = {target.use.partition("/")[0] for route in config.routes.values() for target in route.targets}
    named.update(document.get("providers", ()))
    for provider in config.providers.values():
        if provider.name not in named or not provider.base_url:
            continue
        try:
            rules.target(provider.base_url)
        except EgressRefused:
            yield f"providers.{provider.name}: {provider.base_url} is no public address; {way_to_allow(settings, provider.base_url)}"
