"""`ascend provider`: register the gateway's applications at third-party providers."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import yaml

from oauth.connections.connecting.links import callback_url
from oauth.connections.errors import ProviderInvalid
from oauth.connections.provider import TEMPLATES, known_definitions
from oauth.connections.upstream.registrations import SHARED, Registrations, UpstreamRegistration
from oauth.tenants import DEFAULT_TENANT
from server.assembly.connections import open_vault
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.provider_scaffold import command as scaffold
from server.commands.rows import print_rows
from server.commands.secret_input import read_secret, read_secret_file
from server.commands.user import known_tenant
from server.config.settings import Settings
from server.storage.store import open_store


@click.group()
def command() -> None:
    """Register the gateway at third-party providers (its client id and secret there); begin a folder for one."""


command.add_command(scaffold)


@command.command("add")
@click.argument("source", metavar="FILE")
@click.option("--tenant", default=None, help="For this tenant only; without it every tenant can use the registration.")
@click.option("--client-id", default=None, help="Else `client_id` of the file, else NAME_CLIENT_ID in the environment.")
@click.option(
    "--secret-stdin",
    is_flag=True,
    help="Read the client secret (a private key: all lines) from standard input; else NAME_CLIENT_SECRET in the environment.",
)
@click.option("--value", "values", multiple=True, metavar="NAME=VALUE", help="An input of the provider's addresses, like login_host.")
@with_settings
@run_async
async def add(
    settings: Settings, source: str, tenant: str | None, client_id: str | None, secret_stdin: bool, values: tuple[str, ...]
) -> None:
    """Register at a provider: FILE is one that comes along (hubspot, google, …) or a YAML file that describes another."""
    content = _content(source)
    name = str(content.get("provider") or content.get("id") or "")
    variable = name.upper().replace("-", "_")
    client_id = client_id or content.get("client_id") or os.environ.get(f"{variable}_CLIENT_ID")
    if not client_id:
        raise click.UsageError(f"{source}: no client id; give --client-id, `client_id` in the file, or {variable}_CLIENT_ID")
    auth = content.get("auth") or known_definitions().get(name, {}).get("auth", "oauth2")
    # A key has several lines.
    read = read_secret_file if auth == "github_app" or content.get("client_auth") == "private_key_jwt" else read_secret
    secret = read(f"client secret at {name}") if secret_stdin else os.environ.get(f"{variable}_CLIENT_SECRET", "")
    if not secret and auth in ("oauth2", "client_credentials", "github_app"):
        raise click.UsageError(f"{source}: no client secret; give it on standard input with --secret-stdin, or in {variable}_CLIENT_SECRET")
    definition = {key: value for key, value in content.items() if key not in ("client_id", "values")} if "auth" in content else None
    inputs = {**content.get("values", {}), **dict(_pair(value) for value in values)}
    async with open_store(settings) as store:
        if tenant is not None:
            await known_tenant(store, tenant)
        vault = await open_vault(settings, store)
        registrations = Registrations(store.registrations, vault)
        registration = UpstreamRegistration(tenant or SHARED, name, str(client_id), definition, inputs)
        try:
            provider = await registrations.add(registration, secret, "operator")
        except ProviderInvalid as error:
            raise CommandFailed(str(error)) from error
    click.echo(f"{provider.title} is registered for {'tenant ' + tenant if tenant else 'every tenant'}")
    if provider.auth == "oauth2":
        click.echo(f"redirect URI to enter there: {callback_url(settings.base_url, tenant or DEFAULT_TENANT, name)}")
        if not tenant:
            click.echo("(one for each tenant that uses it: its name stands in place of the last but one part)")
    elif provider.is_machine:
        installation = " --installation ID" if provider.auth == "github_app" else ""
        click.echo(f"next: ascend connection add {name}{installation} --tenant {tenant or DEFAULT_TENANT}")


@command.command("list")
@json_option
@with_settings
@run_async
async def list_providers(settings: Settings, as_json: bool) -> None:
    """List the providers that come along, and where the gateway is registered."""
    async with open_store(settings) as store:
        registered = await store.registrations.load()
    rows: list[dict[str, object]] = [
        {"provider": each.provider, "registered_for": each.tenant_id or "every tenant", "client_id": each.client_id} for each in registered
    ]
    known = {each.provider for each in registered}
    rows += [
        {"provider": name, "registered_for": None, "client_id": None}
        for name in known_definitions()
        if name not in known and name not in TEMPLATES
    ]
    print_rows(rows, as_json=as_json, empty="no providers")


@command.command("remove")
@click.argument("name")
@click.option("--tenant", default=None, help="The tenant whose registration it is; without it the shared one.")
@with_settings
@run_async
async def remove(settings: Settings, name: str, tenant: str | None) -> None:
    """Forget the registration at provider NAME; its accounts are refreshed no more."""
    async with open_store(settings) as store:
        vault = await open_vault(settings, store)
        if not await Registrations(store.registrations, vault).remove(tenant or SHARED, name, "operator"):
            raise CommandFailed(f"no registration at {name!r} for {tenant or 'every tenant'}; `ascend provider list` shows all")
    click.echo(f"the registration at {name} is gone")


def _content(source: str) -> Mapping[str, Any]:
    if source in known_definitions() and not Path(source).exists():
        return {"provider": source}
    try:
        content = yaml.safe_load(Path(source).read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(sorted(known_definitions()))
        raise CommandFailed(f"{source}: {error.strerror}; give a file, or one of {known}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CommandFailed(f"{source}: not YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(content, dict) or not ("provider" in content or "id" in content):
        raise CommandFailed(f"{source}: neither `provider` (one that comes along) nor `id` (a definition); see oauth2.yaml for an example")
    return content


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"--value {text!r}: give NAME=VALUE")
    return name, value
