"""`ascend connection`: accounts that calls are made with, from the command line."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import click

from oauth.connections.changes import ConnectionChanges
from oauth.connections.connecting.keys import add_key
from oauth.connections.connecting.links import ConnectLinks
from oauth.connections.connecting.machine_connection import MachineConnections
from oauth.connections.connection import EVERYBODY, ConnectionSecret
from oauth.connections.connections import KnownConnections
from oauth.connections.credentials import CredentialKind
from oauth.connections.errors import ConnectionRefused
from oauth.connections.provider import Provider
from oauth.connections.upstream.registrations import Registrations
from oauth.connections.upstream.token_endpoint import ProviderTokenEndpoint
from oauth.tenants import DEFAULT_TENANT
from oauth.vault.vault import Vault
from server.admin.nouns.connections import disconnect
from server.assembly.connections import open_vault
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.key_input import read_keys
from server.commands.refused import admin_refusals_told
from server.commands.rows import print_rows
from server.commands.secret_input import read_secret
from server.commands.user import emails_of, known_tenant
from server.config.settings import Settings
from server.pages.visit import connections_url
from server.storage.store import Store, open_store
from tools.ai_gateway.configuration.live import LiveConfig
from tools.egress.client import Egress
from tools.sources.key_parts import key_parts
from tools.versioned_documents.faults import meant
from tools.workflows.ingestion.accounts import AT_PROVIDER


@click.group()
def command() -> None:
    """Add, list and remove the accounts that calls are made with."""


@dataclass(frozen=True, slots=True)
class _ConnectionTools:
    store: Store
    vault: Vault
    registrations: Registrations
    endpoint: ProviderTokenEndpoint


@asynccontextmanager
async def _office(settings: Settings) -> AsyncIterator[_ConnectionTools]:
    """Open what it takes to talk to providers."""
    async with open_store(settings) as store, Egress(settings.egress_allow_beside) as egress:
        vault = await open_vault(settings, store)
        registrations = Registrations(store.registrations, vault)
        await registrations.load()
        yield _ConnectionTools(store, vault, registrations, ProviderTokenEndpoint(egress.outbound))


def _say_what_is_read(provider: str) -> None:
    if provider in AT_PROVIDER:
        click.echo(f"ascend: note: from now on {AT_PROVIDER[provider].said}", err=True)


@command.command("add")
@click.argument("provider")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Everybody in it uses the account.")
@click.option("--installation", default="", metavar="ID", help="Of a GitHub App: the number of its installation.")
@click.option("--scope", "scopes", multiple=True, help="Ask for this in place of the provider's default scopes; may be repeated.")
@click.option("--alias", default="default", show_default=True, help="What calls name it by.")
@with_settings
@run_async
async def add(settings: Settings, provider: str, tenant: str, installation: str, scopes: tuple[str, ...], alias: str) -> None:
    """Add a machine account at PROVIDER: the gateway's own, without anybody's consent (client credentials, GitHub Apps).

    Register the application with `ascend provider add` first. The provider is asked for a token at once;
    the gateway renews it ahead of its end.
    """
    async with _office(settings) as office:
        await known_tenant(office.store, tenant)
        machines = MachineConnections(office.store.connections, office.vault, office.registrations, office.endpoint)
        wanted = frozenset(scopes) if scopes else None
        try:
            connection = await machines.add(tenant, provider, installation=installation, scopes=wanted, alias=alias)
        except ConnectionRefused as error:
            raise CommandFailed(str(error)) from error
    click.echo(f"{connection.title} is ready as {alias!r} for everybody in {tenant}")
    _say_what_is_read(connection.provider)


@command.command("add-key")
@click.argument("provider")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True)
@click.option("--user", default=None, metavar="EMAIL", help="Whose account it is; without it everybody in the tenant uses it.")
@click.option("--alias", default="default", show_default=True, help="What calls name it by.")
@click.option(
    "--kind", type=click.Choice(["api_key", "bearer", "basic", "sigv4"]), default=None, help="Else what PROVIDER's file says, else api_key."
)
@click.option("--username", default="", help="For kind basic; for sigv4 the access key id.")
@click.option("--session-token-stdin", is_flag=True, help="For temporary AWS keys: the session token is the second line.")
@click.option("--region", default="", help="For kind sigv4, where the address of a call does not tell it.")
@click.option("--service", default="", help="For kind sigv4, where the address of a call does not tell it.")
@click.option("--from-env", is_flag=True, help="Take the key, or each of them, from the environment: PLAID_CLIENT_ID, PLAID_SECRET.")
@with_settings
@run_async
async def add_static(
    settings: Settings,
    provider: str,
    tenant: str,
    user: str | None,
    alias: str,
    kind: CredentialKind | None,
    username: str,
    session_token_stdin: bool,
    region: str,
    service: str,
    from_env: bool,
) -> None:
    """Keep a static secret for PROVIDER; it is read from standard input, one line, or asked for. The same alias again replaces it.

    Where its API wants several keys (a client id, a secret, a version), each is asked for by name, or read from a line of its own.
    """
    async with open_store(settings) as store:
        await known_tenant(store, tenant)
        subject = await _subject(store, tenant, user)
        vault = await open_vault(settings, store)
        registrations = Registrations(store.registrations, vault)
        await registrations.load()
        described = registrations.provider(tenant, provider)
        kind = kind or _kind_of_key(described, settings.base_url + connections_url(tenant))
        parts = key_parts([each for owner in (None, tenant) for each in await store.operations.load_provider(owner, provider)])
        secret = ConnectionSecret(
            read_keys(provider, parts if kind == "api_key" else (), from_env=from_env),
            username,
            session_token=read_secret("session token") if session_token_stdin else "",
            region=region or described.region,
            service=service or described.service,
        )
        try:
            connection = await add_key(
                store.connections, vault, tenant_id=tenant, subject=subject, provider=provider, secret=secret, kind=kind, alias=alias
            )
        except ConnectionRefused as error:
            raise CommandFailed(str(error)) from error
        imported = {source.provider for owner in (None, tenant) for source in await store.operations.sources(owner)}
        live = LiveConfig(store.ai_configs)
        await live.load()
    keys = f" with {len(parts)} keys" if kind == "api_key" and len(parts) > 1 else ""
    click.echo(f"{provider} account {connection.alias!r} is ready for {user or 'everybody in ' + tenant}{keys}")
    _say_what_is_read(provider)
    if provider not in imported | live.current.providers.keys():
        click.echo(
            f"ascend: note: no operation of {provider!r} is imported for {tenant}; `ascend import list` shows the names, "
            f"`ascend ai config` those of models{meant(provider, [*imported, *live.current.providers])}",
            err=True,
        )


@command.command("list")
@click.option("--tenant", default=None, help="Of this tenant only.")
@json_option
@with_settings
@run_async
async def list_connections(settings: Settings, tenant: str | None, as_json: bool) -> None:
    """List connected accounts."""
    async with open_store(settings) as store:
        tenants = [known.tenant_id for known in await store.tenants.all()]
        emails = {subject: email for name in tenants for subject, email in (await emails_of(store, name)).items()}
        rows = []
        for each in await store.connections.load():
            if tenant in (None, each.tenant_id):
                whose = {"who": emails.get(each.subject, each.subject) or "everybody", "subject": each.subject or "everybody"}
                row = {"tenant": each.tenant_id, **whose, "provider": each.provider, "alias": each.alias}
                state = "expired" if each.has_ended(time.time()) else each.state
                rows.append({**row, "id": each.account_id, "title": each.title, "state": state, "error": each.last_error or None})
    print_rows(rows, as_json=as_json, empty="no accounts; add one with `ascend connection add-key PROVIDER`")


@command.command("remove")
@click.argument("account_id")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True)
@with_settings
@run_async
async def remove(settings: Settings, account_id: str, tenant: str) -> None:
    """Forget the account ACCOUNT_ID (see `list`), and end it at the provider where that has a way."""
    async with _office(settings) as office:
        known = KnownConnections(office.store.connections, office.vault, ConnectLinks(office.store.connect_flows, settings.base_url))
        changes = ConnectionChanges(office.store.connections, office.vault, known, office.registrations, office.endpoint)
        with admin_refusals_told():
            said = await disconnect(changes, tenant, account_id)
    click.echo(said)


def _kind_of_key(provider: Provider, connections_page: str) -> CredentialKind:
    """Return what kind of static secret `provider` takes. Raises CommandFailed where its accounts come about in another way."""
    if provider.takes_key:
        return provider.auth if provider.auth == "basic" or provider.auth == "sigv4" else "api_key"
    command = f"`ascend connection add {provider.provider_id}` adds one"
    way = f"its accounts are the gateway's own: {command}" if provider.is_machine else f"people connect theirs at {connections_page}"
    raise CommandFailed(f"{provider.title} gives out tokens by OAuth, and {way}; give --kind if a static key is meant all the same")


async def _subject(store: Store, tenant: str, user: str | None) -> str:
    if user is None:
        return EVERYBODY
    found = await store.subjects.find_local(tenant, user)
    if found is None:
        raise CommandFailed(f"no user {user!r} in tenant {tenant!r}; `ascend user list` shows all")
    return found[0].subject_id
