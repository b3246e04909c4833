"""`ascend tenant`: add, list and set up tenants."""

from typing import Any

import click

from server.admin.nouns.tenant_changes import add_tenant, begin_removal, change_tenant, removable, said_of
from server.admin.nouns.tenants import baseline_of, end_date, plan_of
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.refused import admin_refusals_told
from server.commands.rows import print_rows
from server.commands.times import shown_time
from server.config.settings import Settings
from server.config_versions.live import config_in
from server.storage.store import open_store
from server.storage.tenant_removal.removal import TenantRemoval, free_from_us
from server.storage.workflows.forgetting import forget_durable_work


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
    async with open_store(settings) as store:
        with admin_refusals_told():
            await add_tenant(store.tenants, TenantRemoval(store.database, store.history), name, title)
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
        with admin_refusals_told():
            await change_tenant(store.tenants, name, {"sign_in": frozenset(methods)})
    click.echo(f"people of {name} sign in by {', '.join(sorted(set(methods)))}")


@command.command("set")
@click.argument("name")
@click.option("--title", default=None, help="What pages call it.")
@click.option("--baseline", default=None, metavar="SCOPES", help='What a client is asked to request first, such as "mcp mcp:read".')
@click.option("--confirm-destructive/--no-confirm-destructive", default=None, help="Whether destructive operations ask the person first.")
@click.option("--static-tokens-until", default=None, metavar="DATE", help="Last day (UTC, YYYY-MM-DD) of static bearer tokens, or never.")
@click.option(
    "--plan", default=None, metavar="NAME", help="How often its people may call: of `[plans]` (free, pro, enterprise, …), or none."
)
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
    plan: str | None,
    suspended: bool | None,
) -> None:
    """Change settings of the tenant NAME; running servers take them over at once."""
    given: dict[str, Any] = {"title": title, "confirm_destructive": confirm_destructive, "suspended": suspended}
    with admin_refusals_told():
        if baseline is not None:
            given["baseline_scopes"] = baseline_of(baseline)
        changes = {setting: value for setting, value in given.items() if value is not None}
        if static_tokens_until is not None:
            changes["static_tokens_until"] = end_date(static_tokens_until)
        if not changes and plan is None:
            raise click.UsageError("nothing to change; name a setting, --help lists them")
        async with open_store(settings) as store:
            if plan is not None:
                changes["plan"] = plan_of(plan, (await config_in(store.config_versions)).plans)
            await change_tenant(store.tenants, name, changes)
    click.echo(f"tenant {name}: {', '.join(f'{setting} {value}' for setting, value in changes.items())}")


@command.command("forget-workflows")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_settings
@run_async
async def forget_workflows(settings: Settings, name: str, yes: bool) -> None:
    """Delete the runs, schedules, webhooks and stored plans of the suspended tenant NAME, and how far its sources were read."""
    async with open_store(settings) as store:
        tenant = next((each for each in await store.tenants.all() if each.tenant_id == name), None)
        if tenant is None:
            raise CommandFailed(f"no tenant {name!r}; `ascend tenant list` shows all")
        if not tenant.suspended:
            raise CommandFailed(f"tenant {name!r} is at work; `ascend tenant set {name} --suspend` first, so that nothing starts meanwhile")
        if not yes:
            click.confirm(f"Delete all runs, schedules, webhooks and stored plans of {name}? This cannot be undone.", abort=True)
        forgotten = await forget_durable_work(store.database, name)
    click.echo(f"tenant {name} has lost " + ", ".join(f"{count} {what}" for what, count in forgotten.items()))


@command.command("remove")
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Say what it owns, and remove nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_settings
@run_async
async def remove(settings: Settings, name: str, dry_run: bool, yes: bool) -> None:
    """Remove the tenant NAME and everything it owns: people, grants, accounts, keys, operations, facts, documents, runs, records.

    First nobody gets in any more; then what it owns goes in short steps, beside running gateways. Calls that were under way end within
    15 minutes, as a rule; what they leave goes too, and then the name is free. Who is interrupted says it again: what is gone is gone,
    and the rest goes. The audit trail keeps its rows, and backups keep all of it.
    """
    async with open_store(settings) as store:
        removal = TenantRemoval(store.database, store.history)
        with admin_refusals_told():
            await removable(store.tenants, name)
            click.echo(said_of(name, await removal.counts(name)))
            if dry_run:
                return
            if not yes:
                click.confirm(f"Remove {name} and all of that? Nothing but a backup brings it back.", abort=True)
            marked = await begin_removal(store.tenants, removal, name)
        removed = await removal.finish(name)
    free = shown_time(free_from_us(marked))
    click.echo(f"tenant {name} is shut, and {sum(removed.values()):,} rows of it are gone; its name is free from {free}")


@command.command("list")
@json_option
@with_settings
@run_async
async def list_tenants(settings: Settings, as_json: bool) -> None:
    """List all tenants and their URLs."""
    async with open_store(settings) as store:
        rows = [
            {
                "name": tenant.tenant_id,
                "title": tenant.title,
                "url": settings.mcp_url(tenant.tenant_id),
                "suspended": tenant.suspended,
                "leaving": tenant.leaving,
            }
            for tenant in await store.tenants.all()
        ]
    print_rows(rows, as_json=as_json, empty="no tenants")
