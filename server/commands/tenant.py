"""`ascend tenant`: add and list tenants."""

from dataclasses import replace

import click

from oauth.subject_stores import TenantExists
from oauth.tenants import RESERVED, Tenant, is_valid_name
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.config import Settings
from server.storage.store import open_store


@click.group()
def command() -> None:
    """Add and list tenants: each has its own URL, people, accounts and catalogue."""


@command.command("add")
@click.argument("name")
@click.option("--title", default="", help="What pages call it; the name otherwise.")
@with_settings
@run_async
async def add(settings: Settings, name: str, title: str) -> None:
    """Add the tenant NAME (lower-case letters, digits, hyphens)."""
    if not is_valid_name(name):
        rule = f"use 1 to 63 lower-case letters, digits and inner hyphens, and none of {', '.join(sorted(RESERVED))}"
        raise CommandFailed(f"tenant {name!r}: not a name; {rule}")
    async with open_store(settings) as store:
        try:
            await store.tenants.add(Tenant(name, title or name))
        except TenantExists as error:
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
