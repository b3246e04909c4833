"""The webhooks of all tenants as this process knows them, with their keys sealed in memory; nothing is read before a request comes."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import anyio

from oauth.errors import SealBroken
from oauth.tenants import Tenants
from oauth.vault.named_secrets import NamedSecrets
from oauth.vault.secrets import SealedSecret
from server.storage.change_feed import Change
from tools.workflows.webhooks.stores import WebhookStore
from tools.workflows.webhooks.webhook import Webhook

ACTOR, PURPOSE = "webhooks", "signatures of deliveries"
log = logging.getLogger("ascend.webhooks")

#: tenant, source
Place = tuple[str, str]


@dataclass(slots=True)
class KnownWebhooks:
    """A snapshot, loaded at the first request and again after a change; keys are lent by the vault at the first request of their source."""

    store: WebhookStore
    secrets: NamedSecrets
    tenants: Tenants
    _found: Mapping[Place, Webhook] | None = None
    _sealed: dict[Place, Sequence[SealedSecret]] = field(default_factory=dict)
    #: how often something changed: what was read before a change is not kept
    _changes: int = 0
    _turn: anyio.Lock = field(default_factory=anyio.Lock)

    async def find(self, tenant_id: str, source: str) -> tuple[Webhook, Sequence[bytes]] | None:
        """Return a webhook with its keys; None where there is none, or its tenant is unknown or suspended."""
        found = self._found if self._found is not None else await self._load()
        webhook = found.get((tenant_id, source))
        if webhook is None or self.tenants.get(tenant_id) is None:
            return None
        return webhook, await self._keys(webhook)

    async def changed(self, changes: Sequence[Change]) -> None:
        """Forget what others may have changed."""
        self._changes += 1
        self._found = None
        tenants = {change.tenant_id for change in changes}
        for place in [place for place in self._sealed if place[0] in tenants]:
            del self._sealed[place]

    async def _load(self) -> Mapping[Place, Webhook]:
        async with self._turn:
            while self._found is None:
                seen = self._changes
                loaded = {(each.tenant_id, each.source): each for each in await self.store.load()}
                if seen == self._changes:
                    self._found = loaded
            return self._found

    async def _keys(self, webhook: Webhook) -> Sequence[bytes]:
        try:
            return await self._opened(webhook)
        except SealBroken:
            # The tenant's data key was rotated, and what was lent is sealed under one that is gone.
            self._sealed.pop((webhook.tenant_id, webhook.source), None)
            return await self._opened(webhook)

    async def _opened(self, webhook: Webhook) -> Sequence[bytes]:
        keys: list[bytes] = []
        for sealed in await self._lent(webhook):
            try:
                keys.append(webhook.reader.key_of(await self.secrets.open(sealed, ACTOR, PURPOSE)))
            except ValueError as error:
                # Put there after the webhook was checked; the others may still be right.
                facts = {"tenant": webhook.tenant_id, "source": webhook.source, "secret": sealed.name, "why": str(error)}
                log.warning("webhook_secret_unfit", extra={"facts": facts})
        return keys

    async def _lent(self, webhook: Webhook) -> Sequence[SealedSecret]:
        place = (webhook.tenant_id, webhook.source)
        if (known := self._sealed.get(place)) is not None:
            return known
        async with self._turn:
            if (known := self._sealed.get(place)) is not None:
                return known
            seen = self._changes
            lent = [await self.secrets.lend(webhook.tenant_id, name, ACTOR, PURPOSE) for name in webhook.secrets]
            known = [each for each in lent if each is not None]
            if seen == self._changes:
                self._sealed[place] = known
        return known
