"""`ascend trust test`."""

import time
from typing import IO

import click

from oauth.errors import AssertionRefused
from oauth.jwt import JwksCache, check_times, read_id
from oauth.services.workload_tokens import WorkloadTokens
from server.commands.frame import CommandFailed, run_async, with_settings
from server.config.settings import Settings
from server.storage.store import open_store
from tools.egress.client import Egress


@click.command("test")
@click.argument("token", type=click.File("r"))
@with_settings
@run_async
async def command(settings: Settings, token: IO[str]) -> None:
    """Say which policy the platform's token in the file TOKEN (- for standard input) fits, and which claims keep it from others.

    Nothing is exchanged: the token can still be used once.
    """
    async with open_store(settings) as store, Egress(settings.egress_allow_beside) as egress:
        workloads = WorkloadTokens(store.machines.policies, JwksCache(egress.outbound))
        try:
            policies, claims = await workloads.verified(token.read().strip(), None)
            check_times(claims, time.time())
            read_id(claims)
        except AssertionRefused as error:
            raise CommandFailed(f"{error}; `ascend trust list` shows which issuers are trusted") from error
    fits = 0
    for policy in policies:
        refusals = policy.refusals(claims)
        fits += not refusals
        click.echo(f"{policy.name} ({policy.tenant_id}): {'; '.join(refusals) if refusals else f'fits, as {policy.role.title}'}")
    if not fits:
        raise CommandFailed("no policy fits; correct the claims of one, or what the job asks its platform for")
