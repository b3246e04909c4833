"""`ascend client-config`: what to paste into an MCP client."""

import json

import click

from oauth.tenants import DEFAULT_TENANT
from server.commands.frame import run_async, with_settings
from server.commands.user import known_tenant
from server.config.settings import Settings
from server.storage.store import open_store


def claude_mcp_add(url: str) -> str:
    """Return the line that adds the gateway to Claude Code."""
    return f"claude mcp add --transport http ascend {url}"


def snippet(client: str, url: str) -> str:
    """Return what a person pastes for `client`, with where to paste it."""
    if client == "claude-code":
        return claude_mcp_add(url)
    if client == "claude-desktop":
        where = "Settings > Connectors > Add custom connector"
        return f"{where}\nName: Ascend Gateway\nURL:  {url}\n(needs a public https address: Claude connects from its cloud)"
    if client == "cursor":
        return "~/.cursor/mcp.json\n" + json.dumps({"mcpServers": {"ascend": {"url": url}}}, indent=2)
    return ".vscode/mcp.json\n" + json.dumps({"servers": {"ascend": {"type": "http", "url": url}}}, indent=2)


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
