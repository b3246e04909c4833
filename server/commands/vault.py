"""`ascend vault`: rotate the vault's keys, take secrets in, see who saw what."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from oauth.connections.connecting.env_import import find_applications, find_keys, parse_env_file
from oauth.connections.connecting.keys import add_key
from oauth.connections.connection import EVERYBODY
from oauth.connections.errors import ConnectionRefused, ProviderInvalid
from oauth.connections.provider import known_definitions
from oauth.connections.upstream.registrations import SHARED, Registrations, UpstreamRegistration
from oauth.tenants import DEFAULT_TENANT
from oauth.vault.errors import KeyUnavailable
from oauth.vault.named_secrets import MAX_SECRET_BYTES, NamedSecrets, is_secret_name
from oauth.vault.rotation import Rotation
from oauth.vault.vault import VaultCaller
from server.assembly.connections import open_vault, open_vault_and_source
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.progress_bar import progress_bar
from server.commands.rows import print_rows
from server.commands.secret_input import read_secret
from server.commands.user import known_tenant
from server.config.settings import Settings
from server.storage.store import open_store


@click.group()
def command() -> None:
    """Rotate the vault's keys, take secrets in, see who saw what. Nothing takes a secret out."""


@command.command("rotate")
@click.option("--kek/--no-kek", default=True, help="A new key-encryption key.")
@click.option("--dek/--no-dek", default=True, help="A new data key for each tenant, and every secret sealed anew.")
@click.option("--tenant", default=None, help="Data keys of this tenant only.")
@with_settings
@run_async
async def rotate(settings: Settings, kek: bool, dek: bool, tenant: str | None) -> None:
    """Rotate both key layers while the gateway runs; an interrupted run is finished by the next."""
    async with open_store(settings) as store:
        try:
            vault, source = await open_vault_and_source(settings, store)
            rotation = Rotation(vault, store.secrets, source)
            if dek:
                for name in [tenant] if tenant is not None else await rotation.tenants():
                    with progress_bar(f"sealing the secrets of {name or 'the operator'} anew") as progress:
                        count = await rotation.rotate_dek(name, progress)
                    click.echo(f"{name or 'shared'}: {count} secrets sealed anew")
            if kek:
                done = await rotation.rotate_kek()
                what = "a new key" if done.made else "the first of the keys given from outside"
                click.echo(f"{done.rewrapped} data keys are now under {what}")
        except KeyUnavailable as error:
            raise CommandFailed(str(error)) from error


@command.command("import-env")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose accounts they become; everybody in it can use them.")
@click.option("--dry-run", is_flag=True, help="Say what would come in, and keep nothing.")
@json_option
@with_settings
@run_async
async def import_env(settings: Settings, file: Path | None, tenant: str, dry_run: bool, as_json: bool) -> None:
    """Take API keys, tokens and applications in from FILE (.env), or from the environment.

    HUBSPOT_API_KEY, GITHUB_TOKEN, JIRA_USERNAME with JIRA_PASSWORD, the AWS pair; HUBSPOT__EUROPE_API_KEY is the account "europe";
    HUBSPOT_CLIENT_ID with HUBSPOT_CLIENT_SECRET registers the gateway there.
    """
    environ = _read(file) if file else dict(os.environ)
    keys = find_keys(environ)
    applications = [each for each in find_applications(environ) if each.provider in known_definitions()]
    rows: list[dict[str, object]] = [
        {"provider": key.provider, "account": key.alias, "kind": key.kind, "from": " ".join(key.variables)} for key in keys
    ]
    rows += [{"provider": each.provider, "account": None, "kind": "application", "from": " ".join(each.variables)} for each in applications]
    if not dry_run and rows:
        async with open_store(settings) as store:
            await known_tenant(store, tenant)
            vault = await open_vault(settings, store)
            try:
                for key in keys:
                    await add_key(
                        store.connections,
                        vault,
                        tenant_id=tenant,
                        subject=EVERYBODY,
                        provider=key.provider,
                        secret=key.secret,
                        kind=key.kind,
                        alias=key.alias,
                    )
                registrations = Registrations(store.registrations, vault)
                for each in applications:
                    await registrations.add(UpstreamRegistration(tenant, each.provider, each.client_id), each.client_secret, "operator")
            except (ConnectionRefused, ProviderInvalid) as error:
                raise CommandFailed(str(error)) from error
    print_rows(rows, as_json=as_json, empty="no variable looks like a key; they end in _API_KEY, _TOKEN, _PASSWORD or _CLIENT_SECRET")


@command.command("put")
@click.argument("name")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose secret.")
@with_settings
@run_async
async def put(settings: Settings, name: str, tenant: str) -> None:
    """Keep a secret from standard input under NAME, for files that say `vault:NAME`; the one of that name before is forgotten."""
    if not is_secret_name(name):
        raise click.UsageError(f"{name!r} is no name of a secret: up to 100 of a-z, 0-9, '.', '_' and '-'")
    secret = (read_secret(f"secret {name}") if sys.stdin.isatty() else sys.stdin.read(MAX_SECRET_BYTES + 1).rstrip("\r\n")).encode()
    if not 0 < len(secret) <= MAX_SECRET_BYTES:
        raise CommandFailed(f"{name}: a secret has 1 to {MAX_SECRET_BYTES:,} bytes, not {len(secret):,}; pipe it in")
    async with open_store(settings) as store:
        await known_tenant(store, tenant)
        version = await NamedSecrets(await open_vault(settings, store)).put(tenant, name, secret, "operator")
        await store.durable.webhooks.secret_changed(tenant, name)
    click.echo(f"vault:{name} of tenant {tenant} is kept (version {version}); running gateways use it within two seconds")


@command.command("drop")
@click.argument("name")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose secret.")
@with_settings
@run_async
async def drop(settings: Settings, name: str, tenant: str) -> None:
    """Forget the secret NAME that `ascend vault put` took in."""
    async with open_store(settings) as store:
        await known_tenant(store, tenant)
        await NamedSecrets(await open_vault(settings, store)).forget(tenant, name, "operator")
        await store.durable.webhooks.secret_changed(tenant, name)
    click.echo(f"vault:{name} of tenant {tenant} is forgotten")


@command.command("verify")
@json_option
@with_settings
@run_async
async def verify(settings: Settings, as_json: bool) -> None:
    """Say of each tenant whether its secrets are those that were left in the store, or rows were put back or changed past the gateway."""
    async with open_store(settings) as store:
        vault = await open_vault(settings, store)
        tenants = sorted({key.tenant_id for key in await store.secrets.keys()})
        bad = set(await vault.rolled_back())
    rows: list[dict[str, object]] = [
        {"tenant": name or "(shared)", "secrets": "rolled back or changed" if name in bad else "as they were left"} for name in tenants
    ]
    print_rows(rows, as_json=as_json, empty="no secrets yet")
    if bad:
        raise CommandFailed(f"{len(bad)} of {len(tenants)} do not agree with their mark; `ascend vault accept` takes what is there")


@command.command("accept")
@click.option("--tenant", default=None, help="Whose; without it the operator's own, shared with all tenants.")
@with_settings
@run_async
async def accept(settings: Settings, tenant: str | None) -> None:
    """Take a tenant's secrets as they are for right, after a backup of its rows was restored on purpose. It goes into the audit."""
    async with open_store(settings) as store:
        if tenant is not None:
            await known_tenant(store, tenant)
        vault = await open_vault(settings, store)
        await vault.accept(VaultCaller(tenant or SHARED, "operator", "accept restored rows"))
    click.echo(f"the secrets of {tenant or 'the operator'} are taken as they are")


@command.command("events")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True)
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@json_option
@with_settings
@run_async
async def events(settings: Settings, tenant: str, limit: int, as_json: bool) -> None:
    """Show who sealed, saw and removed which secret, newest first."""
    async with open_store(settings) as store:
        found = await store.secrets.events(tenant, limit)
    rows = [
        {
            "at": datetime.fromtimestamp(event.at, UTC).isoformat(timespec="seconds"),
            "actor": event.actor,
            "action": event.action,
            "name": event.name,
            "version": event.version,
            "purpose": event.purpose,
        }
        for event in found
    ]
    print_rows(rows, as_json=as_json, empty="nothing yet")


def _read(file: Path) -> dict[str, str]:
    return parse_env_file(file.read_text(encoding="utf-8", errors="replace"))
