"""`ascend init`: make a data directory ready, and say what comes next."""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import click
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from oauth.administration.roles import Role
from oauth.sign_in.errors import InvalidInput
from oauth.sign_in.passwords import Passwords
from oauth.sign_in.subjects import normalize_email
from oauth.tenants import DEFAULT_TENANT
from server.admin.nouns.person_changes import PersonChanges
from server.assembly.connections import open_vault
from server.backups.keys import identity_text, make_keys
from server.client_snippets import claude_mcp_add
from server.commands.backup.recipients import readers_of, recipient_option
from server.commands.command_being_run import command_being_run
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.refused import admin_refusals_told
from server.commands.terminal import say
from server.config.backup_folder import have_backup_keys
from server.config.load import SETTINGS_FILE, load
from server.config.settings import Settings
from server.storage.store import Store, open_store, prepare_directory


@dataclass(frozen=True, slots=True)
class Owner:
    """`invite`: the address of a new invite, shown once; None: a passkey of theirs opens the console already."""

    email: str
    invite: str | None


def is_at_terminal() -> bool:
    """Say whether somebody can be asked."""
    return sys.stdin.isatty()


def _asked(words: str) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """Return what asks at a terminal for an option that was not given; an empty answer is none."""

    def ask(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
        if value is None and is_at_terminal():
            value = click.prompt(words, default="", show_default=False, err=True)
        return value or None

    return ask


@click.command()
@click.option(
    "--base-url",
    callback=_asked("Public origin, such as https://gateway.example.com (empty: as it is, or this machine alone)"),
    help="Public origin, such as https://gateway.example.com; kept in ascend.toml.",
)
@click.option(
    "--environment",
    callback=_asked("Which environment the store belongs to, once and for all, such as production (empty: as it is, or development)"),
    help="Which environment the store belongs to, such as production; kept in ascend.toml.",
)
@click.option(
    "--owner",
    metavar="EMAIL",
    callback=_asked("E-mail address of who runs the gateway (empty: say it later)"),
    help="Who runs the gateway: they get a link that enrols their passkey.",
)
@recipient_option
@click.option("--no-backups", is_flag=True, help="Make no keys for backups.")
@json_option
@with_settings
@run_async
async def command(
    settings: Settings,
    base_url: str | None,
    environment: str | None,
    owner: str | None,
    recipients: tuple[str, ...],
    no_backups: bool,
    as_json: bool,
) -> None:
    """Make a data directory ready: settings, store, keys, the first owner; then say what comes next.

    At a terminal it asks for what is not given. What is there already stays as it is, so it can be run again.
    """
    readers = readers_of(recipients)
    if no_backups and readers:
        raise click.UsageError("--no-backups and --recipient say the opposite of each other; leave one out")
    prepare_directory(settings.data_dir)
    settings = _with_file(settings, {"base_url": base_url, "environment": environment})
    recovery: X25519PrivateKey | None = None
    async with open_store(settings) as store:
        await open_vault(settings, store)
        owners = await _owners(store, settings, owner)
        if not (no_backups or have_backup_keys(settings)):
            recovery = make_keys(settings.data_dir, readers)
        await store.audit_trail.note()
    shown = None if recovery is None else identity_text(recovery)
    steps = _steps(settings, owners, has_backups=have_backup_keys(settings))
    if as_json:
        row = {
            "data_dir": str(settings.data_dir),
            "base_url": settings.base_url,
            "environment": settings.store.environment,
            "owners": [{"email": each.email, "invite": each.invite} for each in owners],
            "recovery_key": shown,
            "next": steps,
        }
        click.echo(json.dumps(row))
        return
    _tell(settings, owners, shown)
    say("next:")
    for step in steps:
        say(f"  {step}")


def _with_file(settings: Settings, given: Mapping[str, str | None]) -> Settings:
    """Return the settings with what is given, kept in `ascend.toml` where that is not there yet. Raises CommandFailed where it is."""
    wanted = {name: value for name, value in given.items() if value is not None}
    changed = load(settings.data_dir, os.environ, **wanted)
    if all(_said(changed, name) == _said(settings, name) for name in wanted):
        return changed
    path = settings.data_dir / SETTINGS_FILE
    lines = [f"{name} = {json.dumps(_said(changed, name))}" for name in wanted]
    if path.exists():
        raise CommandFailed(f"{path} is there already and is yours; write {', '.join(lines)} into it, and run this again")
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return changed


def _said(settings: Settings, name: str) -> str | None:
    """Return what is said of a setting somewhere; None: what holds is what holds without a word."""
    if name == "base_url":
        return settings.base_url if settings.is_base_url_set else None
    return settings.store.environment if settings.is_environment_set else None


async def _owners(store: Store, settings: Settings, email: str | None) -> list[Owner]:
    """Return who owns the gateway, `email` among them: with an invite, unless a passkey of theirs opens the console."""
    changes, by = PersonChanges(store, settings.admin_url), command_being_run().actor
    if email is not None:
        try:
            found = await store.subjects.find_local(DEFAULT_TENANT, normalize_email(email))
        except InvalidInput as error:
            raise click.UsageError(f"--owner: {error}") from error
        subject = found[0] if found else await Passwords(store.subjects).add_subject(DEFAULT_TENANT, email, None)
        role = await store.admin_roles.of(DEFAULT_TENANT, subject.subject_id)
        with admin_refusals_told():
            if role is None or role.role is not Role.OWNER:
                await changes.give(subject, Role.OWNER, by)
            invite = await changes.invite(subject, by) if await changes.needs_invite(subject) else None
        return [Owner(subject.email, invite)]
    owners = []
    for role in await store.admin_roles.of_tenant(DEFAULT_TENANT):
        subject_of_role = await store.subjects.get(DEFAULT_TENANT, role.subject_id)
        if role.role is Role.OWNER and subject_of_role is not None:
            owners.append(Owner(subject_of_role.email, None))
    return owners


def _steps(settings: Settings, owners: Sequence[Owner], *, has_backups: bool) -> list[str]:
    """Return what comes next, in its order; each is a line for a terminal, or begins with what to do."""
    steps = ["ascend serve"]
    if any(each.invite for each in owners):
        steps.append("open the link of the owner, which is good for an hour and one passkey, once it serves")
    elif not owners:
        steps.append("ascend admin invite EMAIL --role owner")
    steps.append("ascend import openapi URL --provider NAME --shared")
    steps.append(claude_mcp_add(settings.mcp_url(DEFAULT_TENANT)))
    if has_backups:
        steps.append("ascend backup create")
    return [*steps, "ascend doctor"]


def _tell(settings: Settings, owners: Sequence[Owner], recovery: str | None) -> None:
    say(f"data           {settings.data_dir}")
    say(f"at             {settings.base_url}")
    say(f"environment    {settings.store.environment}")
    for owner in owners:
        say(f"owner          {owner.email}{f'  {owner.invite}' if owner.invite else ''}")
    if recovery is not None:
        say(f"recovery key   {recovery}")
        say("               shown only now; keep it where this machine's disk is not: without it no backup can be opened elsewhere")
