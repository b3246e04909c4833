"""`ascend webhook test`: a signed example, sent to the gateway that runs."""

import json
import time
from typing import BinaryIO

import anyio
import click

from oauth.errors import SealBroken
from oauth.vault.named_secrets import NamedSecrets
from server.assembly.connections import open_vault
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.one_tenant import open_tenant
from server.commands.webhook.opened import tenant_option
from server.config.settings import Settings
from server.hooks.paths import hook_url
from server.storage.store import Store
from tools.egress.addresses import authority_of
from tools.egress.client import Egress, OutboundRequest, OutboundResponse
from tools.errors import ToolError
from tools.workflows.webhooks.schemes.scheme import Example
from tools.workflows.webhooks.webhook import MAX_BODY_BYTES

#: a running gateway has heard of what was applied
HEARS_WITHIN_S = 2.0


@click.command()
@click.argument("source")
@click.option("--body", type=click.File("rb"), default=None, help="Send this file as an event, which starts a run.")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, source: str, body: BinaryIO | None, tenant: str, as_json: bool) -> None:
    """Send a request to SOURCE of the running gateway, signed as its sender would; without --body it starts nothing."""
    url = hook_url(settings.base_url, tenant, source)
    async with open_tenant(settings, tenant) as store:
        example = await _example(settings, store, tenant, source, url, body.read(MAX_BODY_BYTES + 1) if body else None)
    answer = await _sent(url, example)
    said = answer.body[:500].decode("utf-8", "replace")
    if not 200 <= answer.status < 300:
        raise CommandFailed(f"{url} answered {answer.status}: {said}")
    click.echo(json.dumps({"url": url, "status": answer.status, "answer": said}) if as_json else f"{url} answered {answer.status}: {said}")


async def _sent(url: str, example: Example) -> OutboundResponse:
    """Send the example; a gateway that does not know of it yet is asked again for as long as it may take to hear of a change."""
    request = OutboundRequest("POST", url, tuple(example.headers.items()), example.body, follow=False)
    give_up_at = time.monotonic() + HEARS_WITHIN_S
    async with Egress((authority_of(url),)) as egress:
        while True:
            try:
                answer = await egress.send(request)
            except ToolError as error:
                raise CommandFailed(f"{url}: {error.failure.message}; is the gateway running? `ascend serve` starts it") from error
            if answer.status != 401 or time.monotonic() > give_up_at:
                return answer
            await anyio.sleep(0.1)


async def _example(settings: Settings, store: Store, tenant: str, source: str, url: str, body: bytes | None) -> Example:
    webhook = next((each for each in await store.durable.webhooks.of_tenant(tenant) if each.source == source), None)
    if webhook is None:
        raise CommandFailed(f"no webhook {source!r} in tenant {tenant!r}; `ascend webhook list` shows all")
    secrets = NamedSecrets(await open_vault(settings, store))
    try:
        secret = await secrets.reveal(tenant, webhook.secrets[0], "ascend webhook", "signs an example")
    except SealBroken as error:
        way_out = f"put it there again with `ascend vault put {webhook.secrets[0]}`"
        raise CommandFailed(f"the secret {webhook.secrets[0]!r} does not open: it is damaged; {way_out}") from error
    if secret is None:
        raise CommandFailed(f"the secret {webhook.secrets[0]!r} is gone; put it there again with `ascend vault put {webhook.secrets[0]}`")
    try:
        return webhook.reader.example(webhook.reader.key_of(secret), time.time(), url, body)
    except ValueError as error:
        raise CommandFailed(f"{source}: {error}") from error
