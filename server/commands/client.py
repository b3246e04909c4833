"""`ascend client`: the OAuth clients that may ask for tokens."""

import json
import time
from typing import IO

import click

from oauth.clients.client import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, REFRESH_TOKEN, ApplicationType, Client
from oauth.clients.redirect_uris import check_registrable, is_native
from oauth.errors import RegistrationRefused
from oauth.public_keys import import_public_keys, read_object
from oauth.scopes import parse, render
from oauth.tokens.formats import hash_token, new_id, new_token
from oauth.tokens.revocation import Revocation
from server.admin.nouns.clients import revoke_client
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.user import known_tenant
from server.config.settings import Settings
from server.storage.store import Store, open_store


@click.group()
def command() -> None:
    """Add, list, show and revoke OAuth clients."""


@command.command("add")
@click.argument("name")
@click.option("--redirect-uri", "redirect_uris", multiple=True, help="Where answers may go; repeat for more.")
@click.option("--public", is_flag=True, help="It cannot keep a secret (an app, a command line).")
@click.option("--tenant", default=None, help="Only this tenant may use it.")
@click.option("--service", is_flag=True, help="A service principal: no person, only its own scopes. Needs --tenant and --scope.")
@click.option("--scope", default="", help="What a service principal may use.")
@click.option("--jwks", type=click.File("rb"), default=None, help="Its public keys (a JWK set); it signs its requests instead of a secret.")
@with_settings
@run_async
async def add(
    settings: Settings,
    name: str,
    redirect_uris: tuple[str, ...],
    public: bool,
    tenant: str | None,
    service: bool,
    scope: str,
    jwks: IO[bytes] | None,
) -> None:
    """Add the pre-registered client NAME, whose name people can trust. A secret is shown once."""
    if service and (tenant is None or not scope or redirect_uris or public):
        raise click.UsageError("--service: give --tenant and --scope, and neither --redirect-uri nor --public")
    if not service and not redirect_uris:
        raise click.UsageError("--redirect-uri: give at least one, or --service")
    if public and jwks is not None:
        raise click.UsageError("--jwks: a public client proves nothing; leave one of them out")
    application_type: ApplicationType = "native" if is_native(redirect_uris) else "web"
    for uri in redirect_uris:
        try:
            check_registrable(uri, by_operator=True)
        except RegistrationRefused as error:
            raise click.UsageError(f"{uri}: {error.description}") from error
    keys = "" if jwks is None else _public_keys(jwks.read())
    secret = "" if public or keys else new_token("cs")
    client_id = new_id("client")
    client = Client(
        client_id=client_id,
        kind="registered",
        name=name,
        redirect_uris=redirect_uris,
        created_at=time.time(),
        application_type=application_type,
        auth_method="none" if public else "private_key_jwt" if keys else "client_secret_basic",
        grant_types=frozenset({CLIENT_CREDENTIALS} if service else {AUTHORIZATION_CODE, REFRESH_TOKEN}),
        secret_hash=hash_token(secret) if secret else None,
        jwks=keys,
        tenant_id=tenant,
        service_subject=f"service:{client_id}" if service else "",
        service_scopes=frozenset(parse(scope)),
    )
    async with open_store(settings) as store:
        if tenant is not None:
            await known_tenant(store, tenant)
        await store.clients.save(client)
    click.echo(f"client_id     {client_id}")
    if secret:
        click.echo(f"client_secret {secret}   (shown only now)")


@command.command("list")
@click.option("--kind", type=click.Choice(["registered", "document", "dynamic"]), default=None, help="How it became known.")
@json_option
@with_settings
@run_async
async def list_clients(settings: Settings, kind: str | None, as_json: bool) -> None:
    """List the clients, newest first."""
    async with open_store(settings) as store:
        clients = [client for client in await store.clients.all() if kind in (None, client.kind)]
    rows = [
        {
            "client_id": client.client_id,
            "name": client.name,
            "kind": client.kind,
            "tenant": client.tenant_id,
            "last_used": _moment(client.last_used_at),
            "state": "revoked" if client.disabled else "active" if client.is_usable(time.time()) else "expired",
        }
        for client in clients
    ]
    print_rows(rows, as_json=as_json, empty="no clients yet; they register themselves, or add one with `ascend client add`")


@command.command("show")
@click.argument("client_id")
@json_option
@with_settings
@run_async
async def show(settings: Settings, client_id: str, as_json: bool) -> None:
    """Show what is known of CLIENT_ID."""
    async with open_store(settings) as store:
        client = await _known(store, client_id)
        grants = await store.grants.grants_of_client(client_id)
    facts: dict[str, object] = {
        "client_id": client.client_id,
        "name": client.name,
        "kind": client.kind,
        "tenant": client.tenant_id,
        "application_type": client.application_type,
        "authentication": client.auth_method,
        "grant_types": " ".join(sorted(client.grant_types)),
        "redirect_uris": " ".join(client.redirect_uris),
        "service_scopes": render(client.service_scopes),
        "registered_from": client.registered_from,
        "created": _moment(client.created_at),
        "last_used": _moment(client.last_used_at),
        "expires": _moment(client.expires_at),
        "revoked": client.disabled,
        "standing_grants": len(grants),
    }
    rows = [facts] if as_json else [{"fact": name, "value": value} for name, value in facts.items() if value not in (None, "")]
    print_rows(rows, as_json=as_json, empty="")


@command.command("revoke")
@click.argument("client_id")
@click.option("--forget", is_flag=True, help="Forget it, so that it may register again; otherwise it stays known and refused.")
@with_settings
@run_async
async def revoke(settings: Settings, client_id: str, forget: bool) -> None:
    """Refuse CLIENT_ID from now on and end everything that it was allowed."""
    async with open_store(settings) as store:
        client = await _known(store, client_id)
        ended = await revoke_client(Revocation(store.grants, store.clients, store.security_events), client, forget=forget)
    click.echo(f"client {client_id} is {'forgotten' if forget else 'refused'}; {ended} grants ended")


def _public_keys(text: bytes) -> str:
    """Return the JWK set as it is kept. Raises UsageError."""
    try:
        keys = read_object(text)
        import_public_keys(keys)
    except RegistrationRefused as error:
        raise click.UsageError(f"--jwks: {error.description}") from error
    return json.dumps(keys)


async def _known(store: Store, client_id: str) -> Client:
    client = await store.clients.find(client_id)
    if client is None:
        raise CommandFailed(f"no client {client_id!r}; `ascend client list` shows all")
    return client


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else time.strftime("%Y-%m-%d %H:%M", time.gmtime(seconds))
