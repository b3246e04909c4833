"""`ascend token`: mint access tokens for scripts, on the machine that owns the data."""

import json

import click

from oauth.administration.roles import Role
from oauth.errors import NotIssued
from oauth.resources import ResourceKind
from oauth.scopes import CONNECT, parse, render
from oauth.tokens.operator_issued import OperatorIssuedTokens
from server.commands.frame import CommandFailed, run_async, with_settings
from server.commands.scopes import left_out, scoping
from server.commands.static_token import static
from server.commands.user import known_tenant, local_subject
from server.config.settings import Settings
from server.storage.store import open_store

#: contracts, "Admin"
MAX_ADMIN_TTL_S = 3600


@click.group()
def command() -> None:
    """Mint access tokens for scripts; manage static tokens."""


@command.command("mint")
@click.option("--tenant", required=True, help="For whose MCP URL.")
@click.option("--user", "email", required=True, metavar="EMAIL", help="In whose name.")
@click.option("--scope", default=None, help='Scopes, such as "mcp mcp:read"; all that the user may have when none is named.')
@click.option("--for", "kind", type=click.Choice(["mcp", "models", "admin"]), default="mcp", show_default=True, help="What it opens.")
@click.option("--ttl", default=3600.0, show_default=True, help="Seconds it lives.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@with_settings
@run_async
async def mint(settings: Settings, tenant: str, email: str, scope: str | None, kind: ResourceKind, ttl: float, as_json: bool) -> None:
    """Print an access token. Whoever holds it acts as the user: keep it out of files and logs."""
    if not 0 < ttl <= 90 * 86400:
        raise click.UsageError("--ttl: give seconds, from 1 to 7776000 (90 days)")
    if kind == "admin" and ttl > MAX_ADMIN_TTL_S:
        raise click.UsageError("--ttl: a token for the administration lives for an hour at most")
    asked = frozenset(parse(scope)) if scope else None
    async with open_store(settings) as store:
        await known_tenant(store, tenant)
        subject_id = await local_subject(store, tenant, email)
        role = await store.admin_roles.of(tenant, subject_id)
        # Operations contract, "Automation": the machine's own way in is its owner's.
        if kind == "admin" and (role is None or role.role is not Role.OWNER):
            raise CommandFailed(f"{email} is no owner of tenant {tenant}; `ascend admin list` shows who is")
        _tenants, resources, scopes = await scoping(settings, store)
        minting = OperatorIssuedTokens(store.grants, resources, scopes.allowed)
        try:
            minted = await minting.mint(tenant, subject_id, asked, ttl, kind)
        except NotIssued as error:
            what = left_out(asked or (), frozenset(), scopes, tenant) or str(error)
            raise CommandFailed(f"nothing to grant: {what}; `ascend user list` shows what people may grant") from error
    if missing := left_out(asked or (), minted.scopes, scopes, tenant):
        click.echo(f"ascend: note: not granted: {missing}", err=True)
    if kind == "mcp" and asked is not None and CONNECT not in asked:
        click.echo(f"ascend: note: without the scope {CONNECT!r} the MCP endpoint answers 403", err=True)
    if as_json:
        click.echo(json.dumps({"access_token": minted.access_token, "scope": render(minted.scopes), "expires_at": minted.expires_at}))
    else:
        click.echo(minted.access_token)


command.add_command(static)
