"""`ascend webhook apply`: put the webhooks of a file in force."""

import json
from typing import BinaryIO

import click

from oauth.vault.named_secrets import NamedSecrets
from server.assembly.connections import open_vault
from server.commands.frame import json_option, run_async, with_settings
from server.commands.one_tenant import open_tenant
from server.commands.refused_file import RefusedFile
from server.commands.terminal import say
from server.commands.webhook.opened import tenant_option
from server.config.settings import Settings
from server.hooks.paths import hook_url
from tools.workflows.schedules.builtin import BUILTIN
from tools.workflows.webhooks.changes import WebhookChanges
from tools.workflows.webhooks.definition import MAX_FILE_BYTES, read_webhooks
from tools.workflows.webhooks.errors import WebhooksInvalid


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--dry-run", is_flag=True, help="Only say whether it could be applied.")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, file: BinaryIO, dry_run: bool, tenant: str, as_json: bool) -> None:
    """Put the `[[webhooks]]` of FILE (TOML) in force, each in place of the one of its source; `-` reads standard input.

    Everything wrong with the file is said at once, and then nothing changes; else running gateways follow within two seconds.
    """
    raw = file.read(MAX_FILE_BYTES + 1)
    async with open_tenant(settings, tenant) as store:
        changes = WebhookChanges(store.durable.webhooks, NamedSecrets(await open_vault(settings, store)), store.subjects)
        try:
            found = await changes.apply(tenant, read_webhooks(raw), dry_run=dry_run)
        except WebhooksInvalid as error:
            raise RefusedFile(getattr(file, "name", "standard input"), error.faults) from error
        known = {*BUILTIN, *(each.name for each in await store.durable.definitions.newest(tenant))}
    for name in dict.fromkeys(each.workflow for each in found if each.workflow not in known):
        say(
            f"ascend: note: tenant {tenant} has not defined {name!r}; its events wait ten minutes for it (`ascend workflow apply`)",
            err=True,
        )
    if as_json:
        rows = [{"source": each.source, "url": hook_url(settings.base_url, tenant, each.source), "to": each.workflow} for each in found]
        click.echo(json.dumps({"applied": not dry_run, "webhooks": rows}, indent=2))
        return
    for each in found:
        would = "would take" if dry_run else "takes"
        say(f"{hook_url(settings.base_url, tenant, each.source)} {would} {each.scheme} requests and starts workflow {each.workflow!r}")
