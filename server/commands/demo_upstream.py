"""`ascend demo-upstream`: a system to connect to, on this machine: the demo CRM, or a stand-in for Gong or Salesforce."""

import os
import secrets
import signal
import socket

import anyio
import click

from server.commands.frame import PORT, CommandFailed, Settings, run_server, with_settings
from server.demo import app as demo
from server.demo.gong.api import ACCESS_KEY, GongStandIn
from server.demo.grants import OAuthClient, OAuthSettings
from server.demo.salesforce.api import SalesforceStandIn
from server.demo.salesforce.sessions import CLIENT_ID
from server.demo.stand_ins.faults import UnknownFault, pairs_of, set_faults
from server.demo.stand_ins.vendor import CONTROL, Vendor, serving_vendor
from server.http.listen import listen
from server.http.server import HttpServer

#: where a secret is taken from, so that it is the same at the next start
_SECRETS = {"crm": "CRM_CLIENT_SECRET", "gong": "GONG_ACCESS_KEY_SECRET", "salesforce": "SALESFORCE_CLIENT_SECRET"}


@click.command("demo-upstream")
@click.option(
    "--kind", type=click.Choice(["crm", "gong", "salesforce"]), default="crm", show_default=True, help="The demo CRM, or whose stand-in."
)
@click.option("--port", type=PORT, default=8090, show_default=True, help="Where it listens, on 127.0.0.1.")
@click.option("--api-key", default=None, help="crm: ask for this key in X-API-Key.")
@click.option("--oauth", is_flag=True, help="crm: ask for consent: OAuth 2.0 with its own pages; client id `ascend`.")
@click.option("--size", type=click.IntRange(1, 5_000), default=None, help="gong: calls a day [500]; salesforce: accounts [200].")
@click.option(
    "--fault", "faults", multiple=True, metavar="NAME=VALUE", help="gong, salesforce: what goes wrong, like limited_every=7; repeatable."
)
@with_settings
@run_server
async def command(
    _settings: Settings, kind: str, port: int, api_key: str | None, oauth: bool, size: int | None, faults: tuple[str, ...]
) -> None:
    """Run a system to connect to, with its own OpenAPI document; its data starts afresh every time.

    crm is a small real CRM (contacts, companies, deals, notes). gong and salesforce behave as those vendors' APIs do, traps included;
    GET /stand-in shows what came, POST /stand-in/faults and /stand-in/clock steer them. Secrets are made anew, or come from
    CRM_CLIENT_SECRET, GONG_ACCESS_KEY_SECRET, SALESFORCE_CLIENT_SECRET.
    """
    if (faults or size) and kind == "crm":
        raise click.UsageError("--size and --fault are for the stand-ins: --kind gong or --kind salesforce")
    if (api_key or oauth) and kind != "crm":
        raise click.UsageError("--api-key and --oauth are for the demo CRM; a stand-in is protected as its vendor's API is")
    listener = listen("127.0.0.1", port)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    if kind != "crm":
        await _stand_in(kind, listener, url, size, faults)
        return
    settings = None
    if oauth:
        settings = OAuthSettings(OAuthClient("ascend", _secret_of(kind)))
        click.echo(f"register it with `ascend provider add FILE --client-id ascend`, FILE holding what {url}/provider.json says")
    click.echo(f"ready {url}/openapi.json")
    await HttpServer(demo.build(api_key=api_key, oauth=settings), signals=(signal.SIGTERM, signal.SIGINT)).serve(sockets=[listener])


async def _stand_in(kind: str, listener: socket.socket, url: str, size: int | None, faults: tuple[str, ...]) -> None:
    vendor: Vendor
    if kind == "gong":
        vendor = GongStandIn(_secret_of(kind), per_day=size or 500)
        click.echo(f"connect it with `ascend connection add-key gong --kind basic --username {ACCESS_KEY}`, the secret on standard input")
    else:
        vendor = SalesforceStandIn(_secret_of(kind), accounts=size or 200)
        click.echo(f"register it with `ascend provider add FILE --client-id {CLIENT_ID}`, FILE holding what {url}/provider.json says")
    try:
        set_faults(vendor.faults, pairs_of(faults))
    except UnknownFault as error:
        listener.close()
        raise CommandFailed(f"--fault: {error}") from error
    click.echo(f"steer it at {url}{CONTROL}")
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with serving_vendor(vendor, listener):
            click.echo(f"ready {url}/openapi.json")
            async for _ in signals:
                return


def _secret_of(kind: str) -> str:
    """Return the secret, and show it where it is a new one."""
    if secret := os.environ.get(_SECRETS[kind]):
        return secret
    secret = secrets.token_urlsafe(24)
    click.echo(f"client secret {secret}" if kind != "gong" else f"access key secret {secret}")
    return secret
