"""`ascend serve`: run the gateway."""

import os
from collections.abc import Sequence
from contextlib import AsyncExitStack

import anyio
import click

from oauth.tenants import DEFAULT_TENANT
from server.app import open_gateway
from server.client_snippets import claude_mcp_add
from server.commands.frame import PORT, run_server, with_settings
from server.config.errors import SettingsError
from server.config.served_at import remember_served
from server.config.settings import Settings
from server.demo.context import DemoContext
from server.demo.models.start import DemoModels, start_models
from server.demo.start import DemoStart, start_demo
from server.http.listen import listen
from server.http.process_limits import allow_open_files, give_back_large_blocks, settle
from server.http.server import HttpServer
from server.observability.log_lines import configure_logging
from server.observability.trace_export import start_trace_export
from server.plain_http import danger, remember_listening
from server.proxy_headers import forget_untrusted

_ANY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104  compared with, not bound to


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=PORT, default=8080, show_default=True, help="Port to listen on.")
@click.option("--base-url", default=None, help="Public origin, such as https://gateway.example.com [ASCEND_BASE_URL].")
@click.option("--insecure-http", is_flag=True, help="Let passwords and tokens travel in the clear, knowingly [ASCEND_INSECURE_HTTP].")
@click.option(
    "--demo", is_flag=True, help="Start a demo CRM and a demo model beside it, with a demo user and a key. The CRM asks people for consent."
)
@click.option("--demo-open", is_flag=True, help="Like --demo, but the CRM answers everybody: no account has to be connected.")
@click.option("--demo-port", type=PORT, default=None, help="Where the demo CRM listens; 8090, or any free port, when not given.")
@with_settings
@run_server
async def command(
    settings: Settings,
    host: str,
    port: int,
    base_url: str | None,
    insecure_http: bool,
    demo: bool,
    demo_open: bool,
    demo_port: int | None,
) -> None:
    """Run the gateway until SIGTERM or Ctrl-C, which let requests under way end."""
    settings = settings.changed(insecure_http=settings.origin.insecure_http or insecure_http)
    if base_url:
        try:
            settings.at(base_url)
        except SettingsError as error:
            raise click.UsageError(f"--base-url: {str(error).partition(': ')[2]}") from error
    give_back_large_blocks()
    configure_logging(settings.observability.log_format)
    allow_open_files()
    async with AsyncExitStack() as stack:
        listener = listen(host, port, "--port, or `make serve PORT=8181`")
        stack.callback(listener.close)
        number = listener.getsockname()[1]
        if base_url or not settings.is_base_url_set:
            settings = settings.at(base_url or f"http://{_authority('127.0.0.1' if host in _ANY_ADDRESS else host)}:{number}")
        if warning := danger(settings, host):
            click.echo(f"warning: {warning}", err=True)
        stack.callback(start_trace_export(os.environ))
        demos: list[DemoStart | DemoModels] = []
        prepared: list[DemoStart | DemoContext | DemoModels] = []
        if demo or demo_open:
            demos.append(await stack.enter_async_context(start_demo(demo_port, settings.data_dir, is_open=demo_open)))
            demos.append(await stack.enter_async_context(start_models(settings.data_dir)))
            settings = settings.changed(egress_allow=(*settings.egress.egress_allow, *(each.authority for each in demos)))
            prepared = [demos[0], DemoContext(), *demos[1:]]
        gateway = await stack.enter_async_context(open_gateway(settings))
        for each in prepared:
            await each.prepare(gateway)
        remember_served(settings)
        remember_listening(settings.data_dir, host)
        forget_untrusted(settings.data_dir)
        settle()
        server = HttpServer(gateway.app, authority=settings.host, takes_signals=True)
        async with anyio.create_task_group() as running:
            running.start_soon(_announce, server, settings, [line for each in prepared for line in each.lines])
            await server.serve(sockets=[listener])
            running.cancel_scope.cancel()


def _authority(host: str) -> str:
    return f"[{host}]" if ":" in host else host


async def _announce(server: HttpServer, settings: Settings, lines: Sequence[str]) -> None:
    """Say how to connect, once requests are answered."""
    await server.until_ready()
    url = settings.mcp_url(DEFAULT_TENANT)
    click.echo("\nAscend Gateway")
    for line in lines:
        click.echo(f"  {line}")
    click.echo(f"  connect    {claude_mcp_add(url)}")
    click.echo(f"ready {url}")
