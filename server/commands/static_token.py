"""`ascend token static`: a tenant's long-lived bearer tokens, a bridge with an end date for what cannot sign in yet."""

from datetime import UTC, datetime

import click

from oauth.errors import NotIssued
from oauth.scopes import parse, render
from oauth.tenants import Tenants
from oauth.tokens.static_tokens import StaticTokens
from server.assembly.scopes import SubjectScopes
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.scopes import left_out, scoping
from server.commands.user import known_tenant, local_subject
from server.config.settings import Settings
from server.storage.store import Store, open_store


@click.group("static")
def static() -> None:
    """Mint, list and revoke static bearer tokens. Off until `ascend tenant set NAME --static-tokens-until DATE`."""


@static.command("mint")
@click.argument("label")
@click.option("--tenant", required=True, help="For whose MCP URL.")
@click.option("--user", "email", required=True, metavar="EMAIL", help="In whose name.")
@click.option("--scope", required=True, help='Scopes, such as "mcp mcp:read".')
@with_settings
@run_async
async def mint(settings: Settings, label: str, tenant: str, email: str, scope: str) -> None:
    """Print a new static token, shown only now; LABEL says what it is for."""
    async with open_store(settings) as store:
        await known_tenant(store, tenant)
        tokens, tenants, scopes = await bridge(settings, store)
        try:
            token, record = await tokens.mint(tenant, await local_subject(store, tenant, email), label, frozenset(parse(scope)))
        except NotIssued as error:
            raise CommandFailed(f"{error}: `ascend tenant set {tenant} --static-tokens-until YYYY-MM-DD`") from error
        known = tenants.get(tenant)
    click.echo(token)
    until = known.static_tokens_until if known else None
    click.echo(f"{record.token_id} for {label!r} with {render(record.scopes)}, until the end of {until} (UTC)", err=True)
    if missing := left_out(parse(scope), record.scopes, scopes, tenant):
        click.echo(f"ascend: note: not granted: {missing}", err=True)


@static.command("list")
@click.option("--tenant", required=True, help="Whose tokens.")
@json_option
@with_settings
@run_async
async def list_static(settings: Settings, tenant: str, as_json: bool) -> None:
    """List a tenant's static tokens and how much each is used: what must move before the end date."""
    async with open_store(settings) as store:
        await known_tenant(store, tenant)
        rows = [
            {
                "id": each.token_id,
                "label": each.label,
                "scopes": render(each.scopes),
                "calls": each.calls,
                "last_used": shown(each.last_used_at),
                "created": shown(each.created_at),
            }
            for each in await store.static_tokens.of_tenant(tenant)
        ]
    print_rows(rows, as_json=as_json, empty=f"tenant {tenant} has no static tokens")


@static.command("revoke")
@click.argument("token_id")
@click.option("--tenant", required=True, help="Whose token it is.")
@with_settings
@run_async
async def revoke(settings: Settings, token_id: str, tenant: str) -> None:
    """End the static token TOKEN_ID at once; running servers refuse it within a moment."""
    async with open_store(settings) as store:
        await known_tenant(store, tenant)
        tokens, _tenants, _scopes = await bridge(settings, store)
        if not await tokens.revoke(tenant, token_id):
            raise CommandFailed(
                f"tenant {tenant!r} has no static token {token_id!r}; `ascend token static list --tenant {tenant}` shows all"
            )
    click.echo(f"{token_id} is revoked")


async def bridge(settings: Settings, store: Store) -> tuple[StaticTokens, Tenants, SubjectScopes]:
    """Return the static tokens of all tenants, the tenants, and what their people may use."""
    tenants, resources, scopes = await scoping(settings, store)
    return StaticTokens(store.static_tokens, store.security_events, tenants, resources, scopes.allowed), tenants, scopes


def shown(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")
