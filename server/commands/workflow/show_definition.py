"""`ascend workflow show-definition`: what a version says."""

import json

import click
import yaml

from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.one_tenant import open_tenant
from server.commands.workflow.opened import tenant_option
from server.config.settings import Settings


@click.command("show-definition")
@click.argument("name")
@click.option("--version", "number", type=click.IntRange(1), default=None, help="This version instead of the newest.")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, name: str, number: int | None, tenant: str, as_json: bool) -> None:
    """Print the workflow NAME as a file that `ascend workflow apply` takes."""
    async with open_tenant(settings, tenant) as store:
        found = await store.durable.definitions.get(tenant, name, number)
    if found is None:
        what = f"version {number} of workflow" if number is not None else "workflow"
        raise CommandFailed(f"no {what} {name!r} is defined in tenant {tenant!r}; `ascend workflow definitions` shows all")
    if as_json:
        click.echo(json.dumps({"workflow": found.name, "version": found.version, "definition": found.source}, indent=2, ensure_ascii=False))
        return
    click.echo(f"# version {found.version}")
    click.echo(yaml.safe_dump(dict(found.source), sort_keys=False, allow_unicode=True).rstrip())
