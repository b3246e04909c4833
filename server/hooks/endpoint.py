"""Answers `POST /hooks/{source}`: 202 once the event and its run are on record, and one answer to everybody who proves nothing."""

import logging
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from oauth.tenants import DEFAULT_TENANT, Tenants
from oauth.vault.named_secrets import NamedSecrets
from oauth.vault.vault import Vault
from server.hooks.known_webhooks import KnownWebhooks
from server.hooks.paths import hook_url
from server.rate_limits import RateLimited, RateLimits
from server.request_body import ClientGone, read_body
from server.storage.database import StoreUnavailable
from tools.errors import ToolError
from tools.json_text import encode
from tools.operation import Json
from tools.workflows.errors import WorkflowRefused
from tools.workflows.webhooks.errors import ContentRefused
from tools.workflows.webhooks.intake import Genuine, arrival_of, prove
from tools.workflows.webhooks.request import HookRequest
from tools.workflows.webhooks.schemes.scheme import Reply
from tools.workflows.webhooks.stores import Arrival, Received, WebhookStore
from tools.workflows.webhooks.webhook import MAX_BODY_BYTES, Webhook

log = logging.getLogger("ascend.webhooks")
_PATH = re.compile(r"/hooks/(?:([a-z0-9-]{1,63})/)?([a-z0-9-]{1,63})")
#: how long a sender may take for its body
BODY_TIMEOUT_S = 10.0
#: Whoever proves nothing is answered so long after the body is there, whatever was wrong: longer than any check takes (decision 0060).
REFUSED_AFTER_S = 0.03
#: of refusals of one source in the log
LOGGED_EVERY_S = 60.0
BUCKET = "hook_source"


class Inbox(Protocol):
    async def receive(self, arrival: Arrival) -> Received: ...


class HookRefused(Exception):
    """What a sender is told that is not taken."""

    def __init__(self, status: int, code: str, message: str, hint: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers or {}
        self.body = {"error": {"code": code, "message": message, **({"hint": hint} if hint else {})}}


@dataclass(slots=True)
class HookEndpoint:
    """An ASGI application. `counts`: outcomes since the start, for the metrics."""

    known: KnownWebhooks
    inbox: Inbox
    limits: RateLimits
    base_url: str
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    counts: Counter[str] = field(default_factory=Counter)
    #: tenant and source -> when a refusal was last logged
    _logged: dict[tuple[str, str], float] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            status, body, headers = await self._answer(scope, receive)
        except HookRefused as refusal:
            status, body, headers = refusal.status, refusal.body, refusal.headers
        except StoreUnavailable as error:
            log.error("store_failed", exc_info=error, extra={"facts": {"path": scope["path"]}})
            status, body, headers = 503, {"error": {"code": "busy", "message": "the store does not answer"}}, {"retry-after": "5"}
        except ClientGone:
            return
        told = {"content-type": "application/json", "cache-control": "no-store", **headers}
        await Response(encode(body), status, told)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, Json, Mapping[str, str]]:
        if scope["method"] != "POST":
            # RFC 9110 §15.5.6: with the methods that there are.
            raise HookRefused(405, "method_not_allowed", "events are sent by POST", headers={"allow": "POST"})
        if _announced_bytes(scope) > MAX_BODY_BYTES:
            raise _too_large()
        try:
            body = await read_body(receive, MAX_BODY_BYTES, BODY_TIMEOUT_S)
        except TimeoutError:
            raise HookRefused(
                408, "timeout", f"the body did not come within {BODY_TIMEOUT_S:g} s", headers={"connection": "close"}
            ) from None
        if body is None:
            raise _too_large()
        began = time.monotonic()
        genuine = await self._proven(scope, body)
        if genuine is None:
            self.counts["refused"] += 1
            await self.sleep(max(0.0, began + REFUSED_AFTER_S - time.monotonic()))
            # RFC 9110 §11.6.1 wants a challenge with a 401; there is no scheme to name, so it says that much.
            raise HookRefused(401, "unauthorized", "not a signed request of a known source", headers={"www-authenticate": "Signature"})
        return await self._taken(genuine)

    async def _proven(self, scope: Scope, body: bytes) -> Genuine | None:
        # The raw path decides: what is percent-encoded names nothing here.
        match = _PATH.fullmatch(scope.get("raw_path", scope["path"].encode()).decode("latin-1").partition("?")[0])
        if match is None or match[1] == DEFAULT_TENANT:
            return None
        tenant_id, source = match[1] or DEFAULT_TENANT, match[2]
        found = await self.known.find(tenant_id, source)
        if found is None:
            return None
        webhook, keys = found
        request = HookRequest.of(scope["headers"], body, hook_url(self.base_url, tenant_id, source))
        genuine = prove(webhook, keys, request, self.clock())
        if genuine is None:
            self._log_refused(webhook, len(keys))
        return genuine

    async def _taken(self, genuine: Genuine) -> tuple[int, Json, Mapping[str, str]]:
        webhook = genuine.webhook
        try:
            # After the proof (decision 0060): whoever cannot sign uses up nobody's limit.
            await self.limits.check(BUCKET, f"{webhook.tenant_id}/{webhook.source}")
            arrival = await arrival_of(genuine)
            if isinstance(arrival, Reply):
                self.counts["answered"] += 1
                return 200, arrival.body, {}
            received = await self.inbox.receive(arrival)
        except RateLimited as error:
            self.counts["limited"] += 1
            after = {"retry-after": str(int(error.retry_after_s) + 1)}
            raise HookRefused(429, "rate_limited", "too many events of this source", "send it again later", after) from error
        except (ContentRefused, WorkflowRefused) as error:
            self.counts["unfit"] += 1
            raise _refused(error) from error
        self.counts["accepted" if received.is_new else "duplicate"] += 1
        delivery = received.delivery
        return 202, {"status": "accepted" if received.is_new else "duplicate", "delivery": delivery.delivery_id}, {}

    def _log_refused(self, webhook: Webhook, keys: int) -> None:
        """Tell the operator, who may have the wrong secret; no more often than a forger's patience could fill a disk."""
        place, now = (webhook.tenant_id, webhook.source), time.monotonic()
        if now - self._logged.get(place, -LOGGED_EVERY_S) >= LOGGED_EVERY_S:
            self._logged[place] = now
            log.warning(
                "webhook_refused",
                extra={"facts": {"tenant": webhook.tenant_id, "source": webhook.source, "scheme": webhook.scheme, "keys": keys}},
            )


def open_endpoint(webhooks: WebhookStore, inbox: Inbox, vault: Vault, tenants: Tenants, limits: RateLimits, base_url: str) -> HookEndpoint:
    """Put the parts together; nothing is read yet."""
    return HookEndpoint(KnownWebhooks(webhooks, NamedSecrets(vault), tenants), inbox, limits, base_url)


def _announced_bytes(scope: Scope) -> int:
    """Return how large the body is to be; 0 where it comes in chunks."""
    said = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(said) if said.isdigit() else 0


def _too_large() -> HookRefused:
    return HookRefused(413, "too_large", f"{MAX_BODY_BYTES:,} bytes are the most", headers={"connection": "close"})


def _refused(error: ToolError) -> HookRefused:
    failure = error.failure
    status = 429 if failure.code in ("quota_exceeded", "rate_limited") else 413 if failure.code == "too_large" else 400
    after = {"retry-after": str(int(failure.retry_after_s) + 1)} if failure.retry_after_s is not None else {}
    return HookRefused(status, failure.code, failure.message, failure.hint or "", after)
