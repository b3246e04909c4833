"""`ascend provider`: third-party OAuth providers that people can connect accounts of."""

import os
import sys
from pathlib import Path

import click
import yaml

from oauth.connections.provider import ProviderInvalid, known_definitions
from oauth.connections.registrations import SHARED, Registration
from server.app import open_gateway
from server.commands.frame import CommandFailed, json_option, print_rows, run_async, with_settings
from server.commands.user import known_tenant
from server.config import Settings


@click.group()
def command() -> None:
    """Add and list third-party OAuth providers."""


@command.command("add")
@click.argument("source", metavar="FILE")
@click.option("--client-id", required=True, help="Of the application that you registered at the provider.")
@click.option("--secret-env", metavar="NAME", default=None, help="Environment variable that holds the client secret.")
@click.option("--secret-stdin", is_flag=True, help="Read the client secret from standard input.")
@click.option("--input", "inputs", multiple=True, metavar="NAME=VALUE", help="Fills {NAME} in the provider's addresses; may be repeated.")
@click.option("--tenant", default=None, help="For this tenant only; for all tenants otherwise.")
@with_settings
@run_async
async def add(
    settings: Settings,
    source: str,
    client_id: str,
    secret_env: str | None,
    secret_stdin: bool,
    inputs: tuple[str, ...],
    tenant: str | None,
) -> None:
    """Add a provider: FILE is a provider file (YAML), or the name of one that comes along, such as hubspot or google."""
    definition = read_definition(source)
    secret = read_secret(secret_env, secret_stdin)
    given = dict(part.partition("=")[::2] for part in inputs)
    async with open_gateway(settings) as gateway:
        if tenant is not None:
            await known_tenant(gateway.store, tenant)
        name = str(definition["id"]) if definition else source
        registration = Registration(tenant or SHARED, name, client_id, definition, given)
        try:
            provider = await gateway.connections.registrations.add(registration, secret, "command line")
        except ProviderInvalid as error:
            raise CommandFailed(str(error)) from error
    click.echo(f"{provider.title} can be connected by {f'people of {tenant}' if tenant else 'people of all tenants'}")
    click.echo(f"allow this callback address there: {settings.base_url}/connect/callback/{tenant or '{tenant}'}/{name}")


@command.command("list")
@json_option
@with_settings
@run_async
async def list_providers(settings: Settings, as_json: bool) -> None:
    """List the providers that come along, and those that are set up."""
    async with open_gateway(settings) as gateway:
        tenants = [SHARED, *(tenant.tenant_id for tenant in gateway.tenants.all())]
        registered = {
            (owner, name): found
            for owner in tenants
            for name in known_names(gateway.connections.registrations.names())
            if (found := gateway.connections.registrations.find(owner, name)) and found[0].tenant_id == owner
        }
    rows: list[dict[str, str | None]] = [
        {"provider": name, "for": owner or "all tenants", "client_id": found[0].client_id, "title": found[1].title}
        for (owner, name), found in sorted(registered.items())
    ]
    done = {str(row["provider"]) for row in rows}
    rows += [
        {"provider": name, "for": None, "client_id": None, "title": str(definition.get("title", name))}
        for name, definition in sorted(known_definitions().items())
        if name not in done
    ]
    print_rows(rows, as_json=as_json, empty="no providers")


def known_names(registered: list[str]) -> list[str]:
    return sorted({*registered, *known_definitions()})


def read_definition(source: str) -> dict[str, object] | None:
    """Return the provider file's content; None for the name of one that comes along."""
    path = Path(source)
    if not path.is_file():
        if source in known_definitions():
            return None
        raise CommandFailed(f"no provider file {source!r}; give a YAML file or one of {', '.join(sorted(known_definitions()))}")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CommandFailed(f"{source}: not YAML ({type(error).__name__}); docs/guides/connections.md shows a provider file") from error
    if not isinstance(content, dict) or "id" not in content:
        raise CommandFailed(f"{source}: not a provider file; it needs at least `id`, see docs/guides/connections.md")
    return content


def read_secret(secret_env: str | None, secret_stdin: bool) -> str:
    """Return the client secret, which never is an argument: those are in histories and process lists."""
    if secret_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if secret_env is None:
        return ""
    if secret_env not in os.environ:
        raise CommandFailed(f"environment variable {secret_env} is not set; it should hold the client secret")
    return os.environ[secret_env]
