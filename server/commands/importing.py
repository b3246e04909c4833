"""`ascend import`: turn OpenAPI documents and MCP servers into operations, list and remove them."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from oauth.connections.connecting.keys import check_provider
from oauth.connections.credentials import Credential
from oauth.connections.errors import ConnectionRefused
from server.commands.frame import CommandFailed, json_option, required_data, run_async, with_settings
from server.commands.import_report import at_work, report
from server.commands.import_review import accept as accept_command
from server.commands.import_review import review
from server.commands.import_whose import EVERY_TENANT, whose, whose_options
from server.commands.rows import print_rows
from server.commands.secret_input import read_secret
from server.commands.terminal import say
from server.commands.upstream_sign_in import UpstreamEntrance
from server.commands.user import known_tenant
from server.config.settings import Settings
from server.storage.store import open_store
from tools.errors import ImportFailed
from tools.sources.importing import ImportRequest, import_mcp, import_openapi

R = TypeVar("R")


def import_options(command: Callable[..., R]) -> Callable[..., R]:
    """Give `command` what both kinds of import take."""
    command = json_option(command)
    command = click.option("--dry-run", is_flag=True, help="Show what would come in and change nothing.")(command)
    what = "Only operations whose name, path or tag matches; may be repeated."
    command = click.option("--include", multiple=True, metavar="GLOB", help=what)(command)
    command = whose_options(command)
    what = "First word of the operations' names; also whose account they use."
    return click.option("--provider", required=True, metavar="SLUG", help=what)(command)


def check_slug(provider: str) -> None:
    try:
        check_provider(provider)
    except ConnectionRefused as error:
        raise CommandFailed(str(error)) from error


@click.group()
def command() -> None:
    """Turn OpenAPI documents and MCP servers into operations."""


command.add_command(review)
command.add_command(accept_command)


@command.command("openapi")
@click.argument("source", default="")
@import_options
@click.option("--fresh", is_flag=True, help="Forget the options and names of the last import of this provider.")
@click.option("--base-url", default=None, help="Where the API is, when the document does not say it rightly.")
@click.option("--overlay", type=click.Path(path_type=Path), metavar="FILE", help="A YAML file that corrects what is derived.")
@click.option(
    "--root",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="Where the files that SOURCE refers to may be, in place of its own folder.",
)
@with_settings
@run_async
async def openapi(
    settings: Settings,
    source: str,
    provider: str,
    tenant: str | None,
    shared: bool,
    base_url: str | None,
    include: tuple[str, ...],
    overlay: Path | None,
    root: Path | None,
    fresh: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Import SOURCE, a file or URL: OpenAPI 3.0 to 3.2 or Swagger 2.0, JSON or YAML. Running servers see it at once.

    `gong` and `salesforce` are documents that come along.

    Without SOURCE the document is read again where the last import of PROVIDER found it. Options that are not given are those of
    the last import.
    """
    tenant = whose(tenant, shared)
    check_slug(provider)
    request = ImportRequest(
        source, provider, tenant, base_url, include, str(overlay) if overlay else None, str(root) if root else None, fresh
    )
    async with open_store(settings) as store:
        if tenant is not None:
            await known_tenant(store, tenant)
        with at_work(f"importing {source or provider}"):
            imported = await import_openapi(store.operations, request, dry_run=dry_run)
    report(settings, imported, dry_run=dry_run, as_json=as_json)


@command.command("mcp")
@click.argument("url")
@import_options
@click.option("--token-stdin", is_flag=True, help="Read a bearer token for listing the tools from standard input; it is not kept.")
@click.option("--account", default=None, metavar="EMAIL", help="List the tools with the account that this person has connected.")
@click.option("--accept", is_flag=True, help="Accept changed definitions; without it they are held, and `ascend import review` shows them.")
@click.option("--admit-new", is_flag=True, help="Let tools that the server announces later come in without a review.")
@click.option("--overlay", type=click.Path(path_type=Path), metavar="FILE", help="A YAML file that corrects what is derived.")
@with_settings
@run_async
async def mcp(
    settings: Settings,
    url: str,
    provider: str,
    tenant: str | None,
    shared: bool,
    include: tuple[str, ...],
    token_stdin: bool,
    account: str | None,
    accept: bool,
    admit_new: bool,
    overlay: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Import the tools of the MCP server at URL, pinned to what it says of them now. Running servers see it at once."""
    tenant = whose(tenant, shared)
    check_slug(provider)
    if token_stdin and account:
        raise click.UsageError("--token-stdin and --account exclude each other: list with a token, or with a person's account")
    credential = Credential("bearer", _token()) if token_stdin else None
    request = ImportRequest(url, provider, tenant, include=include, overlay=str(overlay) if overlay else None)
    async with open_store(settings) as store:
        if tenant is not None:
            await known_tenant(store, tenant)
        entrance = await UpstreamEntrance.open(settings, store, request)
        if account is not None:
            credential = await entrance.credential_of(account)
        try:
            with at_work(f"asking {url} for its tools"):
                imported = await import_mcp(
                    store.operations,
                    request,
                    quarantine=store.quarantine,
                    credential=credential,
                    accept=accept,
                    admit_new=admit_new,
                    dry_run=dry_run,
                )
        except ImportFailed as refused:
            if refused.failure.code != "upstream_unauthorized" or credential is not None:
                raise
            raise CommandFailed(await entrance.sign_in_address()) from refused
        issuer = await entrance.registered() if credential is not None and not dry_run else None
    report(settings, imported, dry_run=dry_run, as_json=as_json)
    if issuer is not None and not as_json:
        say(f"  note: accounts of {provider} sign in at {issuer}, where this gateway is registered now")


@command.command("list")
@json_option
@with_settings
@run_async
async def list_sources(settings: Settings, as_json: bool) -> None:
    """List what was imported: for whom, from where, how many operations."""
    required_data(settings)
    rows: list[dict[str, object]] = []
    async with open_store(settings) as store:
        for owner in (None, *(each.tenant_id for each in await store.tenants.all())):
            for source in await store.operations.sources(owner):
                count = len(await store.operations.load_provider(owner, source.provider))
                row = {"provider": source.provider, "whose": owner or EVERY_TENANT, "kind": source.kind, "location": source.location}
                rows.append({**row, "operations": count})
    print_rows(rows, as_json=as_json, empty="nothing was imported; `ascend import openapi` and `ascend import mcp` bring operations")


@command.command("remove")
@click.argument("provider")
@whose_options
@with_settings
@run_async
async def remove(settings: Settings, provider: str, tenant: str | None, shared: bool) -> None:
    """Forget the operations of PROVIDER. Accounts at it stay connected; running servers see it at once."""
    if not tenant and not shared:
        raise click.UsageError("say whose operations are to go: --tenant NAME, or --shared")
    tenant = whose(tenant, shared)
    required_data(settings)
    async with open_store(settings) as store:
        if provider not in [source.provider for source in await store.operations.sources(tenant)]:
            raise CommandFailed(f"nothing of {provider!r} was imported for {tenant or EVERY_TENANT}; `ascend import list` shows all")
        count = await store.operations.remove(tenant, provider)
    say(f"{count} operations of {provider} are gone for {tenant or EVERY_TENANT}")


def _token() -> str:
    token = read_secret("token").strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise CommandFailed("the token on standard input is empty or not one line of printable characters; pipe it in")
    return token
