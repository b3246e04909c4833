"""`ascend tenant`: add, list and set up tenants."""

from dataclasses import replace
from datetime import date
from typing import Any

import click

from oauth.errors import AlreadyTaken
from oauth.scopes import CONNECT, parse
from oauth.tenants import RESERVED, Tenant, is_valid_name
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.config.settings import Settings
from server.storage.store import open_store


@click.group()
def command() -> None:
    """Add, list and set up tenants: each has its own URL, people, accounts and catalogue."""


@command.command("add")
@click.argument("name")
@click.option("--title", default="", help="What pages call it; the name otherwise.")
@with_settings
@run_async
async def add(settings: Settings, name: str, title: str) -> None:
    """Add the tenant NAME (lower-case letters, digits, hyphens)."""
    if not is_valid_name(name):
        rule = f"use 1 to 63 lower-case letters, digits and inner hyphens, and none of {', '.join(sorted(RESERVED))}"
        raise click.UsageError(f"tenant {name!r}: not a name; {rule}")
    async with open_store(settings) as store:
        try:
            await store.tenants.add(Tenant(name, title or name))
        except AlreadyTaken as error:
            raise CommandFailed(f"tenant {name!r} exists already; `ascend tenant list` shows all") from error
    click.echo(f"tenant {name} is at {settings.mcp_url(name)}")
    click.echo(f"next: ascend user add EMAIL --tenant {name}")


@command.command("sign-in")
@click.argument("name")
@click.argument("methods", nargs=-1, required=True, type=click.Choice(["password", "passkey", "federation"]))
@with_settings
@run_async
async def sign_in(settings: Settings, name: str, methods: tuple[str, ...]) -> None:
    """Say what people of the tenant NAME may sign in with: password, passkey, federation."""
    async with open_store(settings) as store:
        tenant = next((each for each in await store.tenants.all() if each.tenant_id == name), None)
        if tenant is None:
            raise CommandFailed(f"no tenant {name!r}; `ascend tenant list` shows all")
        await store.tenants.save(replace(tenant, sign_in=frozenset(methods)))
    click.echo(f"people of {name} sign in by {', '.join(sorted(set(methods)))}")


@command.command("set")
@click.argument("name")
@click.option("--title", default=None, help="What pages call it.")
@click.option("--baseline", default=None, metavar="SCOPES", help='What a client is asked to request first, such as "mcp mcp:read".')
@click.option("--confirm-destructive/--no-confirm-destructive", default=None, help="Whether destructive operations ask the person first.")
@click.option("--static-tokens-until", default=None, metavar="DATE", help="Last day (UTC, YYYY-MM-DD) of static bearer tokens, or never.")
@click.option("--suspend/--resume", "suspended", default=None, help="Refuse everybody of the tenant, or let them in again.")
@with_settings
@run_async
async def set_tenant(
    settings: Settings,
    name: str,
    title: str | None,
    baseline: str | None,
    confirm_destructive: bool | None,
    static_tokens_until: str | None,
    suspended: bool | None,
) -> None:
    """Change settings of the tenant NAME; running servers take them over at once."""
    given: dict[str, Any] = {"title": title, "confirm_destructive": confirm_destructive, "suspended": suspended}
    if baseline is not None:
        given["baseline_scopes"] = baseline_of(baseline)
    changes = {setting: value for setting, value in given.items() if value is not None}
    if static_tokens_until is not None:
        changes["static_tokens_until"] = end_date(static_tokens_until)
    if not changes:
        raise click.UsageError("nothing to change; name a setting, --help lists them")
    async with open_store(settings) as store:
        tenant = next((each for each in await store.tenants.all() if each.tenant_id == name), None)
        if tenant is None:
            raise CommandFailed(f"no tenant {name!r}; `ascend tenant list` shows all")
        await store.tenants.save(replace(tenant, **changes))
    click.echo(f"tenant {name}: {', '.join(f'{setting} {value}' for setting, value in changes.items())}")


def baseline_of(text: str) -> tuple[str, ...]:
    """Return the scopes of a first challenge, which must let a client connect. Raises UsageError."""
    scopes = parse(text)
    if CONNECT not in scopes:
        raise click.UsageError(f"--baseline: a client cannot connect without {CONNECT!r}; put it in front")
    return scopes


def end_date(text: str) -> str | None:
    """Return the ISO date, or None for `never`. Raises UsageError."""
    if text == "never":
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise click.UsageError(f"--static-tokens-until: {text!r} is not a date; use YYYY-MM-DD, or never") from error


@command.command("list")
@json_option
@with_settings
@run_async
async def list_tenants(settings: Settings, as_json: bool) -> None:
    """List all tenants and their URLs."""
    async with open_store(settings) as store:
        rows = [
            {"name": tenant.tenant_id, "title": tenant.title, "url": settings.mcp_url(tenant.tenant_id), "suspended": tenant.suspended}
            for tenant in await store.tenants.all()
        ]
    print_rows(rows, as_json=as_json, empty="no tenants")
