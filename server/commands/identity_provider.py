"""`ascend identity-provider`: let a tenant's people sign in by an external OpenID Connect provider."""

from dataclasses import replace
from typing import cast

import click

from oauth.sign_in.admission import is_entra
from oauth.sign_in.errors import InvalidInput
from oauth.sign_in.identity_provider_secrets import IdentityProviderSecrets
from oauth.sign_in.identity_providers import ALGORITHMS, EVERYBODY, UNVERIFIED, ClientAuth, IdentityProvider, checked
from oauth.tenants import DEFAULT_TENANT
from server.assembly.connections import open_vault
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.secret_input import read_secret
from server.commands.user import known_tenant
from server.config.settings import Settings
from server.storage.store import open_store

FEDERATION = "federation"
tenant_option = click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose people sign in by it.")


@click.group()
def command() -> None:
    """Let people sign in by an external OpenID Connect provider."""


@command.command("add")
@click.argument("slug")
@tenant_option
@click.option("--issuer", required=True, help="The provider's issuer, byte for byte, like https://id.example.com.")
@click.option("--client-id", required=True, help="What the provider calls this gateway.")
@click.option("--title", default="", help="What the sign-in page calls it; the name otherwise.")
@click.option("--client-auth", type=click.Choice(["basic", "post", "none"]), default="basic", show_default=True)
@click.option("--admit", "domains", multiple=True, metavar="DOMAIN", help="Who gets an account at the first sign-in; * for everybody.")
@click.option(
    "--admit-unverified",
    "unverified",
    multiple=True,
    metavar="DOMAIN",
    help="As --admit, also where the provider does not say whether an address is verified. Only if it gives those to nobody else.",
)
@click.option("--algorithm", "algorithms", multiple=True, type=click.Choice(ALGORITHMS), help="What its ID tokens are signed with.")
@click.option(
    "--admin-acr",
    "admin_acr",
    multiple=True,
    metavar="VALUE",
    help="What acr or amr of a sign-in has to say for it to open the console, such as phr; nobody comes into it by this provider without.",
)
@click.option("--secret-stdin", is_flag=True, help="Read the client secret from standard input.")
@with_settings
@run_async
async def add(
    settings: Settings,
    slug: str,
    tenant: str,
    issuer: str,
    client_id: str,
    title: str,
    client_auth: str,
    domains: tuple[str, ...],
    unverified: tuple[str, ...],
    algorithms: tuple[str, ...],
    admin_acr: tuple[str, ...],
    secret_stdin: bool,
) -> None:
    """Add the provider SLUG, or replace its settings. SLUG becomes part of its own redirect URI."""
    provider = IdentityProvider(
        tenant_id=tenant,
        slug=slug,
        title=title or slug,
        issuer=issuer,
        client_id=client_id,
        client_auth=cast(ClientAuth, client_auth),
        admin_acr=admin_acr,
        admitted_domains=(*map(_domain, domains), *(f"{UNVERIFIED}{_domain(domain)}" for domain in unverified)),
    )
    try:
        provider = checked(replace(provider, allowed_algorithms=algorithms or provider.allowed_algorithms))
    except InvalidInput as error:
        raise click.UsageError(str(error)) from error
    secret = read_secret(f"client secret at {provider.title}") if secret_stdin else ""
    if client_auth != "none" and not secret:
        raise click.UsageError(f"identity provider {slug!r}: no client secret; give it with --secret-stdin, or say --client-auth none")
    async with open_store(settings) as store:
        await known_tenant(store, tenant)
        if secret:
            vault = await open_vault(settings, store)
            await IdentityProviderSecrets(vault).keep(provider, secret, "operator")
        await store.identities.save_provider(provider)
        policy = next(each for each in await store.tenants.all() if each.tenant_id == tenant)
        if FEDERATION not in policy.sign_in:
            await store.tenants.save(replace(policy, sign_in=policy.sign_in | {FEDERATION}))
    click.echo(f"people of {tenant} can sign in by {provider.title}")
    click.echo(f"redirect URI to enter there: {settings.base_url}/login/callback/{tenant}/{slug}")
    if provider.admin_acr:
        click.echo(f"and to come into the console: {settings.admin_url}/admin/sign-in/callback/{tenant}/{slug}")
        click.echo(f"then, once somebody was here by it: ascend admin role EMAIL ROLE --by {slug}")
    if not provider.admitted_domains:
        click.echo("nobody new is admitted yet: say whom with --admit DOMAIN")
    if is_entra(issuer) and domains and EVERYBODY not in domains:
        click.echo("Entra ID sends no email_verified: add the optional claim xms_edov or upn to its ID tokens, or use --admit-unverified")


def _domain(text: str) -> str:
    return text.strip().lower().removeprefix("@")


@command.command("list")
@tenant_option
@json_option
@with_settings
@run_async
async def list_identity_providers(settings: Settings, tenant: str, as_json: bool) -> None:
    """List the identity providers of a tenant."""
    async with open_store(settings) as store:
        rows = [
            {
                "name": each.slug,
                "title": each.title,
                "issuer": each.issuer,
                "admits": " ".join(each.admitted_domains) or "nobody new",
                "admin_acr": " ".join(each.admin_acr) or None,
            }
            for each in await store.identities.providers(tenant)
        ]
    print_rows(rows, as_json=as_json, empty=f"none; people of {tenant} sign in here")


@command.command("remove")
@click.argument("slug")
@tenant_option
@with_settings
@run_async
async def remove(settings: Settings, slug: str, tenant: str) -> None:
    """Remove the provider SLUG; the people who came by it stay, and cannot sign in until it is back."""
    async with open_store(settings) as store:
        provider = await store.identities.provider(tenant, slug)
        if provider is None:
            raise CommandFailed(f"no identity provider {slug!r} in tenant {tenant!r}; `ascend identity-provider list` shows all")
        vault = await open_vault(settings, store)
        await IdentityProviderSecrets(vault).forget(provider, "operator")
        await store.identities.remove_provider(tenant, slug)
    click.echo(f"the identity provider {slug} is gone")
