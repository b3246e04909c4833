"""`ascend demo-upstream`: the demo CRM by itself."""

import click

from server.commands.frame import run_server
from server.demo import app as demo
from server.http_server import HttpServer
from server.listening import listen


@click.command("demo-upstream")
@click.option("--port", default=8090, show_default=True, help="Where it listens, on 127.0.0.1.")
@click.option("--api-key", default=None, help="Ask for this key in X-API-Key.")
@run_server
async def command(port: int, api_key: str | None) -> None:
    """Run a small real CRM (contacts, companies, deals, notes) with its own OpenAPI document; its data starts afresh every time."""
    listener = listen("127.0.0.1", port)
    click.echo(f"ready http://127.0.0.1:{listener.getsockname()[1]}/openapi.json")
    await HttpServer(demo.build(api_key=api_key), takes_signals=True).serve(sockets=[listener])
