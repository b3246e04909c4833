"""`ascend user`: add and list the people who can sign in."""

import sys

import click

from oauth.passwords import Passwords, WeakPassword, new_password
from oauth.subject_stores import SubjectExists
from oauth.subjects import InvalidSubject
from oauth.tenants import DEFAULT_TENANT
from server.commands.frame import CommandFailed, json_option, print_rows, run_async, with_settings
from server.config import Settings
from server.storage.store import Store, open_store


@click.group()
def command() -> None:
    """Add and list the people who can sign in."""


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
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else new_password()
    async with open_store(settings) as store:
        await known_tenant(store, tenant)
        try:
            subject = await Passwords(store.subjects).add_subject(tenant, email, password, display_name=name, is_admin=admin)
        except (InvalidSubject, WeakPassword) as error:
            raise CommandFailed(str(error)) from error
        except SubjectExists as error:
            raise CommandFailed(f"user {email!r} exists already in tenant {tenant!r}; `ascend user list` shows all") from error
    click.echo(f"user {subject.email} can sign in at {settings.mcp_url(tenant)}")
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
        rows = [
            {"email": subject.email, "tenant": name, "name": subject.display_name, "admin": subject.is_admin, "disabled": subject.disabled}
            for name in names
            for subject in await store.subjects.of_tenant(name)
        ]
    print_rows(rows, as_json=as_json, empty=f"nobody yet; add someone with `ascend user add EMAIL --tenant {tenant or DEFAULT_TENANT}`")


async def known_tenant(store: Store, name: str) -> None:
    """Fail, naming those that exist, where there is no tenant `name`."""
    names = [each.tenant_id for each in await store.tenants.all()]
    if name not in names:
        raise CommandFailed(f"no tenant {name!r}; there are {', '.join(names)}, and `ascend tenant add` makes more")
