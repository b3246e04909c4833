"""`ascend trust add`."""

import json

import click

from oauth.administration.errors import MachineRefused
from oauth.administration.roles import Role
from oauth.errors import FetchRefused
from oauth.fetch import ACCEPT_JSON
from oauth.resources import admin_resource
from oauth.services.trust_policy import new_policy
from server.admin.nouns.machines.machine import ROLES
from server.admin.nouns.machines.trust import add_policy, claims_of
from server.commands.command_being_run import operating_system_user
from server.commands.frame import CommandFailed, run_async, with_settings
from server.commands.service_principal.whose import machine_refusals_told, whose, whose_options
from server.commands.user import known_tenant
from server.config.settings import Settings
from server.storage.store import open_store
from tools.egress.client import Egress

MAX_DOCUMENT_BYTES = 65_536


@click.command("add")
@click.argument("name")
@click.option(
    "--issuer", required=True, metavar="URL", help="As the platform's tokens name it: https://token.actions.githubusercontent.com"
)
@click.option("--claim", "claims", multiple=True, required=True, metavar="NAME=VALUE", help="A claim, whole; may be repeated.")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What such workloads may do.")
@whose_options
@click.option("--audience", default=None, help="What its tokens are for; else how the tenant's administration is named.")
@click.option("--jwks", default="", metavar="URL", help="Where its keys are; else what its OpenID configuration says.")
@with_settings
@run_async
async def command(
    settings: Settings,
    name: str,
    issuer: str,
    claims: tuple[str, ...],
    role: str,
    tenant: str | None,
    gateway: bool,
    audience: str | None,
    jwks: str,
) -> None:
    """Let workloads administer that show a token of ISSUER with exactly these claims.

    Of GitHub: repository_id and repository_owner_id, which nobody else can take over, and environment, ref or job_workflow_ref.
    """
    tenant_id, reaches_gateway = whose(tenant, gateway)
    resource = admin_resource(settings.admin_url, tenant_id)
    async with open_store(settings) as store:
        await known_tenant(store, tenant_id)
        with machine_refusals_told():
            policy = new_policy(
                name,
                tenant_id=tenant_id,
                role=Role.named(role),
                reaches_gateway=reaches_gateway,
                issuer=issuer,
                jwks_uri=jwks or await _keys_of(settings, issuer),
                audience=audience or resource,
                claims=claims_of(claims),
                by=operating_system_user(),
            )
            await add_policy(store.machines.policies, policy)
    click.echo(f"workloads of {policy.name} may administer as {policy.role.title}; their tokens need the audience {policy.audience}")
    click.echo(f"they are exchanged for the resource {resource}")


async def _keys_of(settings: Settings, issuer: str) -> str:
    """Return where an issuer says that its keys are (OpenID Connect Discovery 1.0 §4). Raises CommandFailed, MachineRefused."""
    url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    if not issuer.startswith(("https://", "http://")):
        raise MachineRefused("issuer: give an https address")
    try:
        async with Egress(settings.egress_allow_beside) as egress:
            fetched = await egress.outbound("GET", url, headers=ACCEPT_JSON, body=None, max_bytes=MAX_DOCUMENT_BYTES, timeout_s=10.0)
        said = json.loads(fetched.body) if fetched.status == 200 else {}
    except (FetchRefused, ValueError) as error:
        raise CommandFailed(f"{url} cannot be read; name the address of its keys with --jwks") from error
    # §4.3: the same to the letter, or another party speaks for it.
    if not isinstance(said, dict) or said.get("issuer") != issuer or not isinstance(said.get("jwks_uri"), str):
        raise CommandFailed(f"{url} does not say whose keys these are; name their address with --jwks")
    return str(said["jwks_uri"])
