"""`ascend serve`: run the gateway."""

import os
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass

import anyio
import click

from oauth.tenants import DEFAULT_TENANT
from server.app import open_gateway
from server.client_snippets import claude_mcp_add
from server.commands.frame import PORT, run_server, with_settings
from server.config.errors import SettingsError
from server.config.load import load
from server.config.processes import MOST_WORKERS
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
from server.workers.forking import run_workers
from server.workers.inherited_sockets import WorkerSockets

_OTHER_PORT = "--port, or `make serve PORT=8181`"
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
@click.option(
    "--workers", type=click.IntRange(1, MOST_WORKERS), default=None, help="How many processes answer; 1 when not given [ASCEND_WORKERS]."
)
@with_settings
def command(
    settings: Settings,
    host: str,
    port: int,
    base_url: str | None,
    insecure_http: bool,
    demo: bool,
    demo_open: bool,
    demo_port: int | None,
    workers: int | None,
) -> None:
    """Run the gateway until SIGTERM or Ctrl-C, which let requests under way end."""
    place = Place(host, base_url, insecure_http)
    if base_url:
        try:
            place.known_to(settings).at(base_url)
        except SettingsError as error:
            raise click.UsageError(f"--base-url: {str(error).partition(': ')[2]}") from error
    give_back_large_blocks()
    configure_logging(settings.observability.log_format)
    allow_open_files()
    count = settings.processes.workers if workers is None else workers
    if count == 1:
        serve_alone(settings, place, port, demo=demo, demo_open=demo_open, demo_port=demo_port)
    elif demo or demo_open:
        raise click.UsageError(
            "the demo runs in one process: leave out --workers (ASCEND_WORKERS), or run `ascend demo-upstream` beside it"
        )
    else:
        serve_with_workers(settings, place, port, count)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the gateway listens and is reached, as the command line says."""

    host: str
    base_url: str | None
    insecure_http: bool

    def known_to(self, settings: Settings) -> Settings:
        return settings.changed(insecure_http=settings.origin.insecure_http or self.insecure_http)

    def settings(self, settings: Settings, number: int) -> Settings:
        """Return the settings of a gateway that listens here, at port `number`."""
        settings = self.known_to(settings)
        if self.base_url or not settings.is_base_url_set:
            settings = settings.at(
                self.base_url or f"http://{_authority('127.0.0.1' if self.host in _ANY_ADDRESS else self.host)}:{number}"
            )
        return settings

    def warn(self, settings: Settings) -> None:
        if warning := danger(settings, self.host):
            click.echo(f"warning: {warning}", err=True)

    def remember(self, settings: Settings) -> None:
        """Note for commands beside it how this gateway runs."""
        remember_served(settings)
        remember_listening(settings.data_dir, self.host)
        forget_untrusted(settings.data_dir)


def serve_with_workers(settings: Settings, place: Place, port: int, count: int) -> None:
    """Serve in `count` processes, each of them what `serve_alone` is."""
    with closing(WorkerSockets.opened(place.host, port, count, _OTHER_PORT)) as sockets:
        settings = place.settings(settings, sockets.port)
        place.warn(settings)

        def ready() -> None:
            place.remember(settings)
            _announce(settings, ())

        run_workers(sockets, count, settings, lambda: place.settings(load(settings.data_dir), sockets.port), ready)


@run_server
async def serve_alone(settings: Settings, place: Place, port: int, *, demo: bool, demo_open: bool, demo_port: int | None) -> None:
    """Serve in this process."""
    async with AsyncExitStack() as stack:
        listener = listen(place.host, port, _OTHER_PORT)
        stack.callback(listener.close)
        settings = place.settings(settings, listener.getsockname()[1])
        place.warn(settings)
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
        place.remember(settings)
        settle()
        server = HttpServer(gateway.app, authority=settings.host, signals=(signal.SIGTERM, signal.SIGINT))
        async with anyio.create_task_group() as running:
            running.start_soon(_announce_when_ready, server, settings, [line for each in prepared for line in each.lines])
            await server.serve(sockets=[listener])
            running.cancel_scope.cancel()


async def _announce_when_ready(server: HttpServer, settings: Settings, lines: Sequence[str]) -> None:
    await server.until_ready()
    _announce(settings, lines)


def _announce(settings: Settings, lines: Sequence[str]) -> None:
    """Say how to connect, once requests are answered."""
    url = settings.mcp_url(DEFAULT_TENANT)
    click.echo("\nAscend Gateway")
    for line in lines:
        click.echo(f"  {line}")
    click.echo(f"  connect    {claude_mcp_add(url)}")
    click.echo(f"ready {url}")


def _authority(host: str) -> str:
    return f"[{host}]" if ":" in host else host
