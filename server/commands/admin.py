"""`ascend admin`: who may run the gateway, and their way into the console."""

import json
import time
from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar

import click

from oauth.administration.invites import INVITE_S
from oauth.administration.roles import AdminRole, Role
from oauth.sign_in.errors import InvalidInput
from oauth.sign_in.passwords import Passwords
from oauth.sign_in.subjects import Subject, normalize_email
from oauth.tenants import DEFAULT_TENANT
from server.admin.nouns.person_changes import PersonChanges
from server.commands.command_being_run import command_being_run
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.refused import admin_refusals_told
from server.commands.rows import print_rows
from server.commands.user import invite_needed, known_subject, known_tenant
from server.config.settings import Settings
from server.storage.store import Store, open_store

P = ParamSpec("P")
R = TypeVar("R")


@click.group()
def command() -> None:
    """Say who may run the gateway, and invite them to the console."""


def whose(function: Callable[P, R]) -> Callable[P, R]:
    """Give a command the option --tenant."""
    return click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose person this is.")(function)


def reaching(function: Callable[P, R]) -> Callable[P, R]:
    """Give a command the option --gateway."""
    says = "Over every tenant; people of `default` always. As before when not given."
    return click.option("--gateway/--no-gateway", "reaches_gateway", default=None, help=says)(function)


def coming_by(function: Callable[P, R]) -> Callable[P, R]:
    """Give a command the option --by."""
    says = "The identity provider that they sign in by; those who sign in here when not given."
    return click.option("--by", "slug", default="", metavar="SLUG", help=says)(function)


ROLE = click.Choice([role.title for role in reversed(Role)])


@command.command("invite")
@click.argument("email")
@click.option("--role", type=ROLE, default=None, help="What they may; needed for somebody without a role.")
@whose
@reaching
@json_option
@with_settings
@run_async
async def invite(settings: Settings, email: str, role: str | None, tenant: str, reaches_gateway: bool | None, as_json: bool) -> None:
    """Make a link with which EMAIL adds a passkey that opens the console: the first one, or one for a device that is lost.

    Who is nobody here yet is added, without a password.
    """
    async with open_store(settings) as store:
        await known_tenant(store, tenant)
        subject = await _local(store, tenant, email)
        had = None if subject is None else await store.admin_roles.of(tenant, subject.subject_id)
        if had is None and role is None:
            raise CommandFailed(f"{email} has no role yet; say which: --role {'|'.join(ROLE.choices)}")
        if subject is None:
            subject = await Passwords(store.subjects).add_subject(tenant, email, None)
        changes, by = PersonChanges(store, settings.admin_url), command_being_run().actor
        with admin_refusals_told():
            if had is None or role is not None or reaches_gateway is not None:
                wanted = Role.named(role) if role else had.role if had else Role.AUDITOR
                had = await changes.give(subject, wanted, by, reaches_gateway=reaches_gateway)
            url = await changes.invite(subject, by)
    row = {**_row(subject, had), "url": url, "expires_at": round(time.time() + INVITE_S)}
    _say(row, str(row["url"]), as_json=as_json)
    click.echo(f"good for an hour and one passkey, as {had.role.title}; send it on a way that only {subject.email} reads", err=True)


@command.command("list")
@click.option("--tenant", default=None, help="Of this tenant only.")
@json_option
@with_settings
@run_async
async def list_administrators(settings: Settings, tenant: str | None, as_json: bool) -> None:
    """List who has a role, and whether they have a passkey that opens the console."""
    rows = []
    async with open_store(settings) as store:
        for name in [tenant] if tenant else [each.tenant_id for each in await store.tenants.all()]:
            for role in await store.admin_roles.of_tenant(name):
                subject = await store.subjects.get(name, role.subject_id)
                if subject is not None:
                    counting = [each for each in await store.passkeys.of_subject(name, role.subject_id) if each.counts]
                    rows.append(_row(subject, role) | {"passkeys": len(counting), "disabled": subject.disabled})
    print_rows(rows, as_json=as_json, empty="nobody; `ascend admin invite EMAIL --role owner` makes the first one")


@command.command("role")
@click.argument("email")
@click.argument("role", type=ROLE)
@whose
@coming_by
@reaching
@json_option
@with_settings
@run_async
async def give(settings: Settings, email: str, role: str, tenant: str, slug: str, reaches_gateway: bool | None, as_json: bool) -> None:
    """Give EMAIL the ROLE, in the place of the one before. It counts once they have a passkey from an invite.

    One that lets them do more, or further, than the one before wants a new invite: their passkeys and sessions end.
    """
    async with open_store(settings) as store:
        subject = await known_subject(store, tenant, email, slug)
        changes, by = PersonChanges(store, settings.admin_url), command_being_run().actor
        with admin_refusals_told():
            row = _row(subject, await changes.give(subject, Role.named(role), by, reaches_gateway=reaches_gateway))
        needs_invite = await changes.needs_invite(subject)
    of_what = "the gateway" if row["reach"] == "gateway" else f"tenant {tenant}"
    _say(row, f"{row['email']} is {row['role']} of {of_what}", as_json=as_json)
    if needs_invite:
        click.echo(invite_needed(subject), err=True)


@command.command("revoke")
@click.argument("email")
@whose
@coming_by
@json_option
@with_settings
@run_async
async def revoke(settings: Settings, email: str, tenant: str, slug: str, as_json: bool) -> None:
    """Take EMAIL's role; they are out of the console at once. Their passkeys stay, and open nothing there."""
    async with open_store(settings) as store:
        subject = await known_subject(store, tenant, email, slug)
        with admin_refusals_told():
            had = await PersonChanges(store, settings.admin_url).take(subject, command_being_run().actor)
        if not had:
            raise CommandFailed(f"{email} has no role in tenant {tenant}; `ascend admin list` shows who has")
    _say({"email": subject.email, "tenant": tenant, "role": None}, f"{subject.email} administers nothing any more", as_json=as_json)


async def _local(store: Store, tenant: str, email: str) -> Subject | None:
    try:
        found = await store.subjects.find_local(tenant, normalize_email(email))
    except InvalidInput as error:
        raise click.UsageError(str(error)) from error
    return None if found is None else found[0]


def _say(row: Mapping[str, object], words: str, *, as_json: bool) -> None:
    click.echo(json.dumps(row) if as_json else words)


def _row(subject: Subject, role: AdminRole) -> dict[str, object]:
    return {
        "email": subject.email,
        "tenant": subject.tenant_id,
        "role": role.role.title,
        "reach": "gateway" if role.reaches_gateway else "tenant",
    }
