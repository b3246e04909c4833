"""`ascend webhook list`: which webhooks there are."""

import click

from server.commands.frame import json_option, run_async, with_settings
from server.commands.one_tenant import open_tenant
from server.commands.rows import print_rows
from server.commands.user import emails_of
from server.commands.webhook.opened import tenant_option
from server.config.settings import Settings
from server.hooks.paths import hook_url


@click.command("list")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, tenant: str, as_json: bool) -> None:
    """List webhooks with the addresses that senders are given."""
    async with open_tenant(settings, tenant) as store:
        found = await store.durable.webhooks.of_tenant(tenant)
        emails = await emails_of(store, tenant) if found else {}
    rows: list[dict[str, object]] = [
        {
            "source": each.source,
            "scheme": each.scheme,
            "to": f"workflow:{each.workflow}",
            "acts_for": emails.get(each.acts_for.subject, each.acts_for.subject) if each.acts_for else None,
            "secrets": " ".join(each.secrets),
            "url": hook_url(settings.base_url, tenant, each.source),
        }
        for each in found
    ]
    print_rows(rows, as_json=as_json, empty="no webhooks yet; `ascend webhook apply FILE` puts some in force")
