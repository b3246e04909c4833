"""`ascend client-config`: what to paste into an MCP client."""

import click

from oauth.tenants import DEFAULT_TENANT
from server.client_snippets import snippet
from server.commands.frame import run_async, with_settings
from server.commands.user import known_tenant
from server.config.settings import Settings
from server.storage.store import open_store


@click.command("client-config")
@click.option(
    "--client", type=click.Choice(["claude-code", "claude-desktop", "cursor", "vscode"]), default="claude-code", show_default=True
)
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose URL.")
@with_settings
@run_async
async def command(settings: Settings, client: str, tenant: str) -> None:
    """Print what to paste into an MCP client."""
    if tenant != DEFAULT_TENANT:
        async with open_store(settings) as store:
            await known_tenant(store, tenant)
    click.echo(snippet(client, settings.mcp_url(tenant)))
