"""`ascend demo-upstream`: the demo CRM by itself."""

import os
import secrets

import click

from server.commands.frame import PORT, Settings, run_server, with_settings
from server.demo import app as demo
from server.demo.grants import OAuthClient, OAuthSettings
from server.http.listen import listen
from server.http.server import HttpServer


@click.command("demo-upstream")
@click.option("--port", type=PORT, default=8090, show_default=True, help="Where it listens, on 127.0.0.1.")
@click.option("--api-key", default=None, help="Ask for this key in X-API-Key.")
@click.option(
    "--oauth", is_flag=True, help="Ask for consent: OAuth 2.0 with its own pages; client id `ascend`, secret from CRM_CLIENT_SECRET."
)
@with_settings
@run_server
async def command(_settings: Settings, port: int, api_key: str | None, oauth: bool) -> None:
    """Run a small real CRM (contacts, companies, deals, notes) with its own OpenAPI document; its data starts afresh every time."""
    listener = listen("127.0.0.1", port)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = None
    if oauth:
        settings = OAuthSettings(OAuthClient("ascend", os.environ.get("CRM_CLIENT_SECRET") or secrets.token_urlsafe(24)))
        click.echo(f"register it with `ascend provider add FILE --client-id ascend`, FILE holding what {url}/provider.json says")
        if "CRM_CLIENT_SECRET" not in os.environ:
            click.echo(f"client secret {settings.client.client_secret}")
    click.echo(f"ready {url}/openapi.json")
    await HttpServer(demo.build(api_key=api_key, oauth=settings), takes_signals=True).serve(sockets=[listener])
