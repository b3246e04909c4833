"""Ask a model as a caller would: the gateway that runs over HTTP, or the same pipeline in this process."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

import anyio
import orjson

from server.assembly.ai_gateway import AiGateway
from server.config.settings import Settings
from server.storage.database import now_us
from server.storage.store import Store
from tools.ai_gateway.caller_keys import CallerKeyIssuer
from tools.ai_gateway.model_request import ModelCaller, ModelRequest, Wishes
from tools.ai_gateway.probe import Probe, chat_probe
from tools.ai_gateway.replies import WholeReply
from tools.ai_gateway.routing.decision import ModelTarget
from tools.egress.addresses import authority_of
from tools.egress.client import Egress, OutboundRequest
from tools.errors import ToolError

#: how the key is called that a check makes and ends
KEY_NAME = "ascend-ai-verify"
#: a running gateway hears of a new key within this time, and notes a call
HEARS_WITHIN_S = 5.0
_LIVE_TIMEOUT_S = 3.0
#: no check takes this long; a key of one that is older was left behind by a check that was killed
FORGOTTEN_AFTER_US = 600_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of one question; `error` "" where it was answered."""

    error: str
    call_id: str = ""
    target: str = ""
    ms: float = 0.0


class Asking(Protocol):
    @property
    def where(self) -> str:
        """In words: where the question went."""
        ...

    async def unified(self) -> Asked:
        """Ask at the unified endpoint, without naming a model."""
        ...

    async def native(self, target: ModelTarget, probe: Probe) -> Asked:
        """Ask at a provider's own API."""
        ...


@dataclass(frozen=True, slots=True)
class AskingHere:
    """The pipeline in this process, as one gateway more beside those that run."""

    gateway: AiGateway
    tenant_id: str
    where: str

    async def unified(self) -> Asked:
        body = chat_probe("default")
        return await self._answer(ModelRequest("chat", orjson.dumps(body), body, self._caller(), Wishes(skip_cache=True)))

    async def native(self, target: ModelTarget, probe: Probe) -> Asked:
        request = ModelRequest(
            "native",
            probe.body,
            orjson.loads(probe.body),
            self._caller(),
            Wishes(skip_cache=True),
            native_provider=target.provider.name,
            native_path=probe.path,
        )
        return await self._answer(request)

    def _caller(self) -> ModelCaller:
        return ModelCaller(self.tenant_id, key_name=KEY_NAME)

    async def _answer(self, request: ModelRequest) -> Asked:
        began = time.monotonic()
        reply = await self.gateway.calls.answer(request)
        await self.gateway.ledger.flush()
        body = reply.body if isinstance(reply, WholeReply) else b""
        status = reply.status if isinstance(reply, WholeReply) else 200
        return _asked(status, reply.headers, body, began)


@dataclass(frozen=True, slots=True)
class AskingRunning:
    """The gateway at `base_url`, with a key that lives as long as the check. `gateway`: Cloudflare's resource to go through."""

    base_url: str
    egress: Egress
    tenant_id: str
    gateway: str
    key: str = field(repr=False)

    @property
    def where(self) -> str:
        return self.base_url

    async def unified(self) -> Asked:
        return await self._post("/v1/chat/completions", orjson.dumps(chat_probe("default")))

    async def native(self, target: ModelTarget, probe: Probe) -> Asked:
        return await self._post(f"/v1/{self.tenant_id}/{self.gateway}/{target.provider.name}/{probe.path}", probe.body)

    async def _post(self, path: str, body: bytes) -> Asked:
        headers = (("authorization", f"Bearer {self.key}"), ("content-type", "application/json"), ("x-gateway-skip-cache", "true"))
        began = time.monotonic()
        try:
            answer = await self.egress.send(OutboundRequest("POST", self.base_url + path, headers, body, follow=False))
        except ToolError as error:
            return Asked(error.failure.message)
        return _asked(answer.status, answer.headers, answer.body, began)


@asynccontextmanager
async def asking_running(settings: Settings, store: Store, tenant_id: str, gateway: str) -> AsyncIterator[AskingRunning | None]:
    """Give the way to the gateway that runs on this data; None where none answers at its address, or not to this data's keys."""
    base_url = settings.base_url
    async with Egress((authority_of(base_url),)) as egress:
        if await _status(egress, f"{base_url}/healthz", "") != 200:
            yield None
            return
        issuer = CallerKeyIssuer(store.caller_keys, store.security_events)
        await _end_forgotten(store, issuer, tenant_id)
        secret, key = await issuer.mint(tenant_id, KEY_NAME)
        try:
            is_known = False
            with anyio.move_on_after(HEARS_WITHIN_S):
                while not is_known:
                    is_known = await _status(egress, f"{base_url}/v1/models", secret) == 200
                    await anyio.sleep(0 if is_known else 0.1)
            yield AskingRunning(base_url, egress, tenant_id, gateway, secret) if is_known else None
        finally:
            await issuer.revoke(key)


async def _end_forgotten(store: Store, issuer: CallerKeyIssuer, tenant_id: str) -> None:
    """End the keys of checks that were killed."""
    before_us = now_us() - FORGOTTEN_AFTER_US
    for key in await store.caller_keys.of_tenant(tenant_id):
        if key.name == KEY_NAME and key.revoked_at_us is None and key.created_at_us < before_us:
            await issuer.revoke(key)


async def _status(egress: Egress, url: str, key: str) -> int:
    headers = (("authorization", f"Bearer {key}"),) if key else ()
    try:
        return (await egress.send(OutboundRequest("GET", url, headers, timeout_s=_LIVE_TIMEOUT_S, follow=False))).status
    except ToolError:
        return 0


def _asked(status: int, headers: Mapping[str, str], body: bytes, began: float) -> Asked:
    error = "" if status == 200 else f"status {status}: {_message(body)}"
    ms = (time.monotonic() - began) * 1000
    return Asked(error, headers.get("x-gateway-request-id", ""), headers.get("x-gateway-model", ""), ms)


def _message(body: bytes) -> str:
    """Return what a refusal says: `error.message`, `error`, or Cloudflare's `errors[0].message`."""
    try:
        said = orjson.loads(body)
        found = said["error"] if "error" in said else said["errors"][0]
        return str(found["message"] if isinstance(found, dict) else found)[:300]
    except (orjson.JSONDecodeError, KeyError, TypeError, IndexError):
        return body[:100].decode(errors="replace")
