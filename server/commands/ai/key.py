"""`ascend ai key`: what programs call models with."""

import json
from typing import cast, get_args

import click

from oauth.sign_in.errors import InvalidInput
from oauth.sign_in.subjects import normalize_email
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.times import shown_time
from server.commands.user import known_tenant
from server.config.settings import Settings
from server.storage.store import Store, open_store
from tools.ai_gateway.caller_keys import CallerKey, CallerKeyIssuer, InvalidKey
from tools.metering.money import to_nano_usd, to_usd
from tools.metering.rules import Window


def in_nano_usd(_context: click.Context, _option: click.Parameter, usd: str | None) -> int | None:
    try:
        return None if usd is None else to_nano_usd(usd)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.group()
def command() -> None:
    """Mint, list and revoke callers' keys: what a program calls models with."""


@command.command("mint")
@click.argument("name")
@click.option("--tenant", required=True, help="Whose models it calls, and who pays.")
@click.option("--user", "email", default="", metavar="EMAIL", help="Who stands behind it; budgets and reports count by that.")
@click.option(
    "--allow", multiple=True, metavar="GLOB", help="A model or route that it may use, like openai/*; repeat for more. All, if left out."
)
@click.option("--usd", "budget", default=None, metavar="N", callback=in_nano_usd, help="What may be spent with it, in dollars.")
@click.option("--window", type=click.Choice(get_args(Window)), default=None, help="In which time; starts anew by UTC.  [total]")
@json_option
@with_settings
@run_async
async def mint(
    settings: Settings,
    name: str,
    tenant: str,
    email: str,
    allow: tuple[str, ...],
    budget: int | None,
    window: str | None,
    as_json: bool,
) -> None:
    """Print a new key, shown only now; NAME is what budgets, limits and reports call it."""
    if window and budget is None:
        raise click.UsageError("--window: say with --usd how much may be spent in it")
    try:
        user = normalize_email(email) if email else ""
    except InvalidInput as error:
        raise click.UsageError(str(error)) from error
    async with open_store(settings) as store:
        await known_tenant(store, tenant)
        is_known = not user or any(each.email == user for each in await store.subjects.of_tenant(tenant))
        try:
            secret, key = await CallerKeyIssuer(store.caller_keys, store.security_events).mint(
                tenant, name, user, allow, budget, cast("Window", window or "total")
            )
        except InvalidKey as error:
            raise click.UsageError(str(error)) from error
    if as_json:
        click.echo(json.dumps({"key": secret, **row(key)}, indent=2))
    else:
        click.echo(secret)
        click.echo(f"{key.key_id} {name!r} calls models of tenant {tenant}; it is shown only now", err=True)
    if not is_known:
        click.echo(f"ascend: note: nobody in tenant {tenant} has the address {user} yet", err=True)


@command.command("list")
@click.option("--tenant", default=None, help="Of this tenant only.")
@json_option
@with_settings
@run_async
async def list_keys(settings: Settings, tenant: str | None, as_json: bool) -> None:
    """List keys, never the keys themselves, with their last use."""
    async with open_store(settings) as store:
        rows = [row(key) for key in await keys_of(store, tenant)]
    print_rows(rows, as_json=as_json, empty="no keys yet; `ascend ai key mint NAME --tenant T` makes one")


@command.command("revoke")
@click.argument("key_id")
@json_option
@with_settings
@run_async
async def revoke(settings: Settings, key_id: str, as_json: bool) -> None:
    """End the key KEY_ID; running gateways refuse it within half a second."""
    async with open_store(settings) as store:
        found = [key for key in await keys_of(store, None) if key.key_id == key_id]
        if not found or not await CallerKeyIssuer(store.caller_keys, store.security_events).revoke(found[0]):
            raise CommandFailed(f"no live key {key_id!r}; `ascend ai key list` shows all")
    click.echo(json.dumps({"id": key_id, "state": "revoked"}) if as_json else f"{key_id} is revoked")


async def keys_of(store: Store, tenant: str | None) -> list[CallerKey]:
    """Return the keys of one tenant, or of all, the newest first."""
    if tenant is not None:
        await known_tenant(store, tenant)
    names = [tenant] if tenant is not None else [each.tenant_id for each in await store.tenants.all()]
    keys = [key for name in names for key in await store.caller_keys.of_tenant(name)]
    return sorted(keys, key=lambda key: -key.created_at_us)


def row(key: CallerKey) -> dict[str, object]:
    return {
        "id": key.key_id,
        "tenant": key.tenant_id,
        "name": key.name,
        "user": key.user,
        "allow": None if key.allow is None else " ".join(key.allow),
        "usd": None if key.budget_nano_usd is None else to_usd(key.budget_nano_usd),
        "window": None if key.budget_nano_usd is None else key.budget_window,
        "state": "live" if key.revoked_at_us is None else "revoked",
        "created": shown_time(key.created_at_us),
        "last_used": shown_time(key.last_used_at_us),
    }
