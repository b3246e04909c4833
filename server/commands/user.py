"""`ascend user`: the people who can sign in."""

import re
from dataclasses import replace

import click

from oauth.administration.roles import Role
from oauth.errors import AlreadyTaken
from oauth.scopes import CONNECT, OFFLINE, parse, render
from oauth.sign_in.errors import InvalidInput
from oauth.sign_in.one_time_links import SignInLinks
from oauth.sign_in.passwords import Passwords, new_password
from oauth.sign_in.subjects import Subject, normalize_email
from oauth.tenants import DEFAULT_TENANT
from oauth.tokens.own_grants import OwnGrants
from server.admin.nouns.person_changes import PersonChanges
from server.commands.command_being_run import command_being_run
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.refused import admin_refusals_told
from server.commands.rows import print_rows
from server.commands.secret_input import read_secret
from server.config.settings import Settings
from server.pages.visit import account_url
from server.storage.store import Store, open_store

_SCOPE = re.compile(r"[a-z0-9][a-z0-9_-]*:(read|write|destructive)")
#: what lets a client connect and stay connected, and run nothing
_CONNECTING = frozenset({CONNECT, OFFLINE})


@click.group()
def command() -> None:
    """Add, list, disable and help the people who can sign in."""


@command.command("add")
@click.argument("email")
@click.option("--tenant", required=True, help="Whose person this is.")
@click.option("--name", default="", help="What pages call them.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input; otherwise one is made and shown once.")
@click.option("--admin", is_flag=True, help="May administrate the tenant.")
@with_settings
@run_async
async def add(settings: Settings, email: str, tenant: str, name: str, password_stdin: bool, admin: bool) -> None:
    """Add the person EMAIL."""
    password = read_secret(f"password of {email}") if password_stdin else new_password()
    async with open_store(settings) as store:
        await known_tenant(store, tenant)
        try:
            subject = await Passwords(store.subjects).add_subject(tenant, email, password, display_name=name)
        except InvalidInput as error:
            raise click.UsageError(str(error)) from error
        except AlreadyTaken as error:
            raise CommandFailed(f"user {email!r} exists already in tenant {tenant!r}; `ascend user list` shows all") from error
        if admin:
            await PersonChanges(store, settings.admin_url).give(subject, Role.OWNER, command_being_run().actor)
    click.echo(
        f"user {subject.email} can sign in at {settings.base_url}{account_url(tenant)}; their client connects to {settings.mcp_url(tenant)}"
    )
    if not password_stdin:
        click.echo(f"password {password}   (shown only now)")


@command.command("list")
@click.option("--tenant", default=None, help="Of this tenant only.")
@json_option
@with_settings
@run_async
async def list_users(settings: Settings, tenant: str | None, as_json: bool) -> None:
    """List the people who can sign in."""
    async with open_store(settings) as store:
        names = [tenant] if tenant else [each.tenant_id for each in await store.tenants.all()]
        administrators = {(name, each.subject_id) for name in names for each in await store.admin_roles.of_tenant(name)}
        rows = [
            {
                "email": subject.email,
                "tenant": name,
                "name": subject.display_name,
                "subject": subject.subject_id,
                "admin": (name, subject.subject_id) in administrators,
                "disabled": subject.disabled,
                "may_grant": "everything" if subject.allowed_scopes is None else render(subject.allowed_scopes - _CONNECTING),
            }
            for name in names
            for subject in await store.subjects.of_tenant(name)
        ]
    print_rows(rows, as_json=as_json, empty=f"nobody yet; add someone with `ascend user add EMAIL --tenant {tenant or DEFAULT_TENANT}`")


@command.command("link")
@click.argument("email")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose person this is.")
@with_settings
@run_async
async def link(settings: Settings, email: str, tenant: str) -> None:
    """Make a link that signs EMAIL in once, within an hour: for a first passkey, or when a password or device is lost."""
    async with open_store(settings) as store:
        subject = await known_subject(store, tenant, email)
        path = await SignInLinks(store.passkeys, store.subjects).make(subject)
    click.echo(f"{settings.base_url}{path}")
    click.echo("whoever presses its button first is signed in as this person; send it on a way that only they read", err=True)


@command.command("password")
@click.argument("email")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose person this is.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input; otherwise one is made and shown once.")
@with_settings
@run_async
async def password(settings: Settings, email: str, tenant: str, password_stdin: bool) -> None:
    """Give EMAIL a new password and sign them out everywhere."""
    text = read_secret(f"new password of {email}") if password_stdin else new_password()
    async with open_store(settings) as store:
        subject = await known_subject(store, tenant, email)
        try:
            await Passwords(store.subjects).set(subject, text)
        except InvalidInput as error:
            raise click.UsageError(str(error)) from error
        await store.browser_sessions.end_all(tenant, subject.subject_id)
    click.echo(f"user {subject.email} has a new password")
    if not password_stdin:
        click.echo(f"password {text}   (shown only now)")


@command.command("disable")
@click.argument("email")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose person this is.")
@with_settings
@run_async
async def disable(settings: Settings, email: str, tenant: str) -> None:
    """Sign EMAIL out everywhere and end what they allowed; nothing of theirs is removed."""
    async with open_store(settings) as store:
        for subject in await known_subjects(store, tenant, email):
            with admin_refusals_told():
                ended = await PersonChanges(store, settings.admin_url).disable(subject, "operator")
            click.echo(f"user {subject.email} is disabled; {ended}")


@command.command("enable")
@click.argument("email")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose person this is.")
@with_settings
@run_async
async def enable(settings: Settings, email: str, tenant: str) -> None:
    """Let EMAIL sign in again."""
    async with open_store(settings) as store:
        for subject in await known_subjects(store, tenant, email):
            await store.subjects.save(replace(subject, disabled=False))
            click.echo(f"user {subject.email} can sign in again")


@command.command("admin")
@click.argument("email")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose person this is.")
@click.option("--off", is_flag=True, help="An administrator no more, at once.")
@with_settings
@run_async
async def admin(settings: Settings, email: str, tenant: str, off: bool) -> None:
    """Let EMAIL, who is there already, administrate the tenant (of `default`: the whole gateway)."""
    async with open_store(settings) as store:
        subject = await known_subject(store, tenant, email)
        if subject.disabled and not off:
            raise CommandFailed(f"user {subject.email} is disabled; `ascend user enable` comes first")
        changes = PersonChanges(store, settings.admin_url)
        with admin_refusals_told():
            if off:
                await changes.take(subject, command_being_run().actor)
            else:
                await changes.give(subject, Role.OWNER, command_being_run().actor)
        needs_invite = not off and await changes.needs_invite(subject)
    click.echo(f"user {subject.email} {'administrates' if not off else 'no longer administrates'} tenant {tenant}")
    if needs_invite:
        click.echo(invite_needed(subject), err=True)


@command.command("limit")
@click.argument("email")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose person this is.")
@click.option("--scope", default="", help='All that EMAIL may grant, like "mcp:read crm:write".')
@click.option("--all", "everything", is_flag=True, help="Everything that the tenant has, again.")
@with_settings
@run_async
async def limit(settings: Settings, email: str, tenant: str, scope: str, everything: bool) -> None:
    """Let what EMAIL connects do this much and no more. What they allowed before ends; their clients ask them again."""
    scopes = [each for each in parse(scope) if each not in _CONNECTING]
    if bool(scopes) == everything:
        raise click.UsageError('give either --scope "mcp:read crm:write" or --all')
    if unknown := [each for each in scopes if not _SCOPE.fullmatch(each)]:
        raise click.UsageError(f"no scope {unknown[0]!r}; it is <provider>:<access>, like crm:read, or mcp:<access> for all providers")
    async with open_store(settings) as store:
        for subject in await known_subjects(store, tenant, email):
            await store.subjects.save(replace(subject, allowed_scopes=None if everything else _CONNECTING.union(scopes)))
            ended = await OwnGrants(store.grants, store.clients).revoke_all(tenant, subject.subject_id, by="operator")
            click.echo(f"user {subject.email} may grant {render(scopes) or 'everything'}; {ended} grants ended")


async def known_subject(store: Store, tenant: str, email: str, by: str = "") -> Subject:
    """Return the person of `email` who signs in here, or `by` an identity provider, or fail."""
    here = [subject for subject in await known_subjects(store, tenant, email) if subject.identity_provider == by]
    if not here and by:
        raise CommandFailed(f"user {email!r} has not signed in by {by!r} yet; `ascend user list` shows who has")
    if not here:
        raise CommandFailed(f"user {email!r} signs in by an identity provider; nothing of theirs is kept here that could be changed")
    return here[0]


async def known_subjects(store: Store, tenant: str, email: str) -> list[Subject]:
    """Return everybody of `email`: who signs in here, and by each identity provider. Fail where there is nobody."""
    await known_tenant(store, tenant)
    found = [subject for subject in await store.subjects.of_tenant(tenant) if subject.email == email.strip().casefold()]
    if not found:
        raise CommandFailed(f"no user {email!r} in tenant {tenant!r}; `ascend user list` shows all")
    return found


def invite_needed(subject: Subject) -> str:
    """Return how somebody comes into the console none of whose passkeys counts there."""
    return f"no passkey of theirs opens the console; `ascend admin invite {subject.email} --tenant {subject.tenant_id}` makes a way in"


async def emails_of(store: Store, tenant: str) -> dict[str, str]:
    """Return subject -> e-mail address, of everybody in a tenant."""
    return {each.subject_id: each.email for each in await store.subjects.of_tenant(tenant)}


async def known_tenant(store: Store, name: str) -> None:
    """Fail, naming those that exist, where there is no tenant `name`."""
    names = [each.tenant_id for each in await store.tenants.all()]
    if name not in names:
        raise CommandFailed(f"no tenant {name!r}; there are {', '.join(names)}, and `ascend tenant add` makes more")


async def local_subject(store: Store, tenant: str, email: str) -> str:
    """Return the id of the person who signs in with `email`. Raises CommandFailed, and UsageError for what is no address."""
    try:
        found = await store.subjects.find_local(tenant, normalize_email(email))
    except InvalidInput as error:
        raise click.UsageError(str(error)) from error
    if found is None:
        raise CommandFailed(f"no user {email!r} in tenant {tenant!r}; `ascend user list` shows who there is")
    return found[0].subject_id
