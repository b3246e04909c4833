"""Answers what comes to `/v1/…`: who calls, what they ask, and the answer in the dialect of the URL."""

import logging
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace

from starlette.types import Receive, Scope, Send

from server.model_api.callers import ModelCallers
from server.model_api.event_sender import EventSender
from server.model_api.feedback import FeedbackEndpoint
from server.model_api.leaving import LeavingWatch
from server.model_api.listing import ModelListing
from server.model_api.paths import ModelPath, nothing_at, read_path
from server.model_api.request import IncomingBody, read_request
from server.model_api.wire import Wire, harmless
from server.observability.model_call_spans import ModelCallSpans
from server.origins import Callers
from server.request_body import ClientGone
from server.storage.database import StoreUnavailable
from tools.ai_gateway.calls import ModelCalls, error_event, new_call_id, ping_of, refused, stream_type
from tools.ai_gateway.model_request import ModelRequest, Surface
from tools.ai_gateway.refusals import ModelCallRefused
from tools.ai_gateway.replies import StreamReply, WholeReply

log = logging.getLogger("ascend.ai")


@dataclass(frozen=True, slots=True)
class ModelEndpoint:
    """An ASGI application for everything under `/v1/`."""

    calls: ModelCalls
    callers: ModelCallers
    listing: ModelListing
    feedback: FeedbackEndpoint
    spans: ModelCallSpans
    #: WWW-Authenticate of a 401
    challenge: str
    #: which web pages may call
    origins: Callers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1").strip(" \t") for name, value in scope["headers"]}
        wire = Wire.of(scope, receive, send, self.origins)
        asked = scope.get("raw_path", scope["path"].encode()).decode("latin-1").partition("?")[0]
        path = read_path(asked)
        surface = _surface_of(path, headers)
        try:
            if path is None:
                raise ModelCallRefused("model_not_found", 404, nothing_at(asked))
            if scope["method"] == "OPTIONS":
                await wire.preflight(path)
                return
            if scope["method"] not in path.methods:
                said = f"there is nothing at this address for {scope['method'][:20]}; calls are POST, lists of models GET"
                # RFC 9110 §15.5.6: a 405 MUST say what is allowed.
                raise ModelCallRefused("invalid_request", 405, said, headers={"allow": path.allow})
            await self._answer(path, scope, headers, wire)
        except ModelCallRefused as refusal:
            call_id = new_call_id()
            told = {"x-gateway-request-id": call_id}
            if refusal.status == 401:
                # RFC 9110 §15.5.2: a 401 says how; RFC 9728 §5.1: and where tokens come from.
                told["www-authenticate"] = self.challenge
            await wire.answer(refused(surface, refusal, told, call_id))
        except StoreUnavailable as error:
            log.error("store_failed", exc_info=error, extra={"facts": {"path": scope["path"]}})
            away = ModelCallRefused("no_target", 503, "the store does not answer; try again", headers={"retry-after": "1"})
            await wire.answer(refused(surface, away, {}, new_call_id()))
        except ClientGone:
            return

    async def _answer(self, path: ModelPath, scope: Scope, headers: Mapping[str, str], wire: Wire) -> None:
        config = self.calls.config()
        caller = await self.callers.caller(headers)
        if path.kind == "models":
            await wire.answer(self.listing.answer(caller, path.rest, is_anthropic="anthropic-version" in headers))
            return
        raw = await IncomingBody(wire.receive, wire.whole).read()
        if path.kind == "feedback":
            await wire.answer(await self.feedback.answer(caller.tenant_id, raw))
            return
        with self.spans.call(headers) as trace:
            request = await read_request(path, scope, headers, raw, caller, config, trace)
            if request.is_stream:
                await self._stream(request, wire)
            else:
                await self._whole(request, wire)

    async def _whole(self, request: ModelRequest, wire: Wire) -> None:
        watch = LeavingWatch(wire.receive)
        try:
            reply = await self.calls.answer(request)
        except BaseException:
            if watch.has_left:
                return
            raise
        finally:
            watch.stop()
        if isinstance(reply, WholeReply):
            await wire.answer(reply)

    async def _stream(self, request: ModelRequest, wire: Wire) -> None:
        watch = LeavingWatch(wire.receive)
        sender = EventSender(wire.send, ping_of(request), stream_type(request), added=wire.added)
        try:
            reply = await self.calls.answer(request)
            if isinstance(reply, StreamReply):
                async with aclosing(reply.events()) as events:
                    # Begun before anything is sent: one that never began is not settled by its end either.
                    first = await anext(events, b"")
                    await sender.start(reply.headers, harmless(reply.media_type))
                    if first:
                        await sender.write(first)
                    async for event in events:
                        await sender.write(event)
                await sender.end()
            elif sender.is_started:
                await sender.write(error_event(request.surface, reply.body))
                await sender.end()
            else:
                await sender.stop()
                await replace(wire, whole=None).answer(reply)
        except BaseException:
            if not watch.has_left:
                raise
        finally:
            watch.stop()
            await sender.stop()


def _surface_of(path: ModelPath | None, headers: Mapping[str, str]) -> Surface:
    """Return in whose dialect a refusal is told that comes before the request is read."""
    if path is not None and path.kind == "call":
        return path.surface
    return "messages" if "anthropic-version" in headers else "chat"
