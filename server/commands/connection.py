"""`ascend connection`: accounts that calls are made with, from the command line."""

import sys

import click

from oauth.connections.connection import EVERYBODY, AccountSecret
from oauth.connections.credentials import CredentialKind
from oauth.connections.keys import ConnectionRefused, add_key
from oauth.tenants import DEFAULT_TENANT
from oauth.vault.secrets import SecretEvent
from server.assembly.connections import open_vault
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.user import known_tenant
from server.config import Settings
from server.storage.database import now_us
from server.storage.store import Store, open_store


@click.group()
def command() -> None:
    """Add, list and remove the accounts that calls are made with."""


@command.command("add-key")
@click.argument("provider")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True)
@click.option("--user", default=None, metavar="EMAIL", help="Whose account it is; without it everybody in the tenant uses it.")
@click.option("--alias", default="default", show_default=True, help="What calls name it by.")
@click.option("--kind", type=click.Choice(["api_key", "bearer", "basic"]), default="api_key", show_default=True)
@click.option("--username", default="", help="For kind basic.")
@with_settings
@run_async
async def add(settings: Settings, provider: str, tenant: str, user: str | None, alias: str, kind: CredentialKind, username: str) -> None:
    """Keep a static secret for PROVIDER; it is read from standard input, one line. The same alias again replaces it."""
    secret = sys.stdin.readline().rstrip("\r\n")
    async with open_store(settings) as store:
        await known_tenant(store, tenant)
        subject = await _subject(store, tenant, user)
        vault, _ = await open_vault(settings, store)
        try:
            connection = await add_key(
                store.connections,
                vault,
                tenant_id=tenant,
                subject=subject,
                provider=provider,
                secret=AccountSecret(secret, username),
                kind=kind,
                alias=alias,
            )
        except ConnectionRefused as error:
            raise CommandFailed(str(error)) from error
    click.echo(f"{provider} account {connection.alias!r} is ready for {user or 'everybody in ' + tenant}")


@command.command("list")
@click.option("--tenant", default=None, help="Of this tenant only.")
@json_option
@with_settings
@run_async
async def list_connections(settings: Settings, tenant: str | None, as_json: bool) -> None:
    """List connected accounts."""
    async with open_store(settings) as store:
        rows = []
        for each in await store.connections.load():
            if tenant in (None, each.tenant_id):
                row = {"tenant": each.tenant_id, "subject": each.subject or "everybody", "provider": each.provider, "alias": each.alias}
                rows.append({**row, "id": each.account_id, "title": each.title, "state": each.state, "error": each.last_error or None})
    print_rows(rows, as_json=as_json, empty="no accounts; add one with `ascend connection add-key PROVIDER`")


@command.command("remove")
@click.argument("account_id")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True)
@with_settings
@run_async
async def remove(settings: Settings, account_id: str, tenant: str) -> None:
    """Forget the account ACCOUNT_ID (see `list`). Its owner's page also ends it at the provider; this does not."""
    async with open_store(settings) as store:
        event = SecretEvent(now_us() / 1e6, tenant, "operator", "deleted", account_id, 0, "remove")
        if not await store.connections.remove(tenant, account_id, event):
            raise CommandFailed(f"no account {account_id!r} in tenant {tenant!r}; `ascend connection list` shows all")
    click.echo(f"account {account_id} is gone")


async def _subject(store: Store, tenant: str, user: str | None) -> str:
    if user is None:
        return EVERYBODY
    found = await store.subjects.find_local(tenant, user)
    if found is None:
        raise CommandFailed(f"no user {user!r} in tenant {tenant!r}; `ascend user list` shows all")
    return found[0].subject_id
