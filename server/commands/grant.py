"""`ascend grant`: what people allowed to clients."""

import time

import click

from oauth.scopes import render
from oauth.tokens.revocation import Revocation
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.user import emails_of, known_tenant
from server.config.settings import Settings
from server.storage.store import open_store


@click.group()
def command() -> None:
    """List and revoke what people allowed."""


@command.command("list")
@click.option("--tenant", default=None, help="Of this tenant only.")
@click.option("--user", "email", default=None, metavar="EMAIL", help="Of this person only.")
@click.option("--client", "client_id", default=None, help="To this client only.")
@json_option
@with_settings
@run_async
async def list_grants(settings: Settings, tenant: str | None, email: str | None, client_id: str | None, as_json: bool) -> None:
    """List the standing grants, newest first."""
    async with open_store(settings) as store:
        if tenant is not None:
            await known_tenant(store, tenant)
        rows = []
        for name in [tenant] if tenant else [each.tenant_id for each in await store.tenants.all()]:
            email_by_subject = await emails_of(store, name)
            for grant in await store.grants.list_grants(name, client_id=client_id):
                person = email_by_subject.get(grant.subject, grant.subject)
                if email in (None, person) and grant.expires_at > time.time():
                    rows.append(
                        {
                            "grant_id": grant.grant_id,
                            "tenant": grant.tenant_id,
                            "who": person,
                            "client_id": grant.client_id,
                            "scopes": render(grant.scopes),
                            "how": grant.grant_type,
                            "since": time.strftime("%Y-%m-%d %H:%M", time.gmtime(grant.created_at)),
                        }
                    )
    print_rows(rows, as_json=as_json, empty="no standing grants")


@command.command("revoke")
@click.argument("grant_id")
@with_settings
@run_async
async def revoke(settings: Settings, grant_id: str) -> None:
    """End GRANT_ID with all its tokens; a running gateway refuses them within half a second."""
    async with open_store(settings) as store:
        async with store.grants.transaction() as rows:
            grant = await rows.grant(grant_id)
        if grant is None:
            raise CommandFailed(f"no grant {grant_id!r}; `ascend grant list` shows all")
        ended = await Revocation(store.grants, store.clients, store.security_events).revoke_grant(grant, "revoked_by_operator")
    click.echo(f"grant {grant_id} {'has ended' if ended else 'had ended before'}")
