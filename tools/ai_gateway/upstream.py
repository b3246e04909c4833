"""One try at one target: the request out, the head back, and of a stream all that comes before its first content."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import field, replace
from functools import partial

from oauth.connections.credentials import Credential
from tools.ai_gateway.answer_headers import asked_wait_s, passed_headers
from tools.ai_gateway.dialects.exchange import (
    DialectExchange,
    FaultInside,
    MalformedAnswer,
    ProviderFault,
    ProviderRequest,
    StreamReader,
    WholeAnswer,
)
from tools.ai_gateway.heavy.sent_bodies import provider_request
from tools.ai_gateway.heavy.whole_answers import read_whole
from tools.ai_gateway.model_request import ModelRequest
from tools.ai_gateway.provider_keys import Headers, key_headers
from tools.ai_gateway.routing.decision import ModelTarget
from tools.egress.client import Egress, OutboundRequest, OutboundResponse
from tools.egress.sigv4 import sign
from tools.egress.streamed import StreamedResponse, open_streamed, send_once
from tools.errors import EgressRefused, ToolError
from tools.fair_semaphore import Holder
from tools.sources.credential_redaction import Redaction
from tools.value_objects import value_object

MAX_ANSWER_BYTES = 32 << 20
#: what a stream may send before its first content: heads, pings, comments
MAX_HELD_BYTES = 1 << 20
MAX_HELD_EVENTS = 20_000


@value_object
class TimeLimits:
    """In seconds: for the connection, until the first content, between two pieces, for everything."""

    connect_s: float
    first_byte_s: float
    idle_s: float
    total_s: float


@value_object
class Begun:
    """An answer that can go to the caller: whole, a refusal that is the caller's to hear, or a stream that has begun."""

    target: ModelTarget
    status: int
    #: those of the provider that go on to the caller
    headers: dict[str, str] = field(repr=False)
    redaction: Redaction | None = field(repr=False)
    whole: WholeAnswer | None = None
    fault: ProviderFault | None = None
    reader: StreamReader | None = None
    #: events that came before and with the first content
    held: Sequence[bytes] = field(default=(), repr=False)
    response: StreamedResponse | None = field(default=None, repr=False)
    #: nothing more comes, and the reader has been told
    has_ended: bool = False


class TryFailed(Exception):
    """This target gave no answer. `code`: connect, timeout, reset, malformed, cut, busy, or the provider's status as text."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 0,
        fault: ProviderFault | None = None,
        headers: dict[str, str] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        """`fault`: the provider's refusal, with the `headers` that it came with."""
        super().__init__(message)
        self.code, self.message, self.status, self.retry_after_s = code, message, status, retry_after_s
        self.fault = fault
        self.headers: dict[str, str] = headers or {}


class ProviderClient:
    """Calls providers. What it raises says nothing of keys: whatever repeats one reads *** already."""

    def __init__(self, egress: Egress, clock: Callable[[], float] = time.time) -> None:
        self._egress, self._clock = egress, clock

    async def begin(
        self,
        request: ModelRequest,
        target: ModelTarget,
        exchange: DialectExchange,
        credential: Credential | None,
        limits: TimeLimits,
        max_output_tokens: int | None,
    ) -> Begun:
        """Return the answer, or the stream once its first content is here.

        Raises TryFailed, and ModelCallRefused where the request cannot be said to this provider.
        """
        redaction = _redaction(credential, request.caller.own_key)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limits.first_byte_s
        response: StreamedResponse | None = None
        answer: OutboundResponse | StreamedResponse | None = None
        try:
            holder = _holder_of(request)
            asked = await provider_request(exchange, request, target, max_output_tokens, holder, deadline)
            out = await self._outbound(request, target, asked, credential, limits)
            if not request.is_stream:
                answer = await send_once(self._egress, out, deadline)
                return await self._whole(request, target, exchange, answer, answer.body, redaction, deadline)
            async with asyncio.timeout_at(deadline):
                answer = response = await open_streamed(self._egress, out, deadline)
                if response.status < 300 and "json" not in response.headers.get("content-type", ""):
                    begun = await self._first_content(request, target, exchange, response, redaction)
                    response = None  # It is the caller's now.
                    return begun
                body = await response.read_all(MAX_ANSWER_BYTES)
            return await self._whole(request, target, exchange, response, body, redaction, deadline)
        except TimeoutError as error:
            raise TryFailed("timeout", f"{target.provider.name} gave no answer within {limits.first_byte_s:g} s") from error
        except EgressRefused as error:
            raise TryFailed("connect", f"{error.failure.message}; {error.failure.hint}") from error
        except ToolError as error:
            code = {"upstream_unreachable": "connect", "upstream_reset": "reset", "upstream_timeout": "timeout"}
            code |= {"busy": "busy", "answer_not_read": "too_heavy", "answer_too_large": "too_heavy"}
            raise TryFailed(code.get(error.failure.code, "malformed"), error.failure.message) from error
        except FaultInside as inside:
            failed = inside.fault
            raise TryFailed(
                str(failed.status),
                failed.message,
                status=failed.status,
                fault=failed,
                headers=passed_headers(answer.headers, redaction) if answer is not None else None,
            ) from inside
        except MalformedAnswer as error:
            raise TryFailed("malformed", f"{target.provider.name} sent an answer that cannot be read: {error}") from error
        finally:
            if response is not None:
                response.close()

    async def held_back(self, begun: Begun, limits: TimeLimits) -> Begun:
        """Return a stream with all of its events (`x-gateway-stream: reliable`): a cut is a failure that another target may mend.

        Raises TryFailed. The connection is closed afterwards, whatever came.
        """
        reader, response = begun.reader, begun.response
        if reader is None or response is None:
            return begun
        name, held, size = begun.target.provider.name, list(begun.held), 0
        try:
            async with asyncio.timeout(limits.total_s):
                piece = b"."
                while piece and not (begun.has_ended or reader.is_over or reader.fault):
                    async with asyncio.timeout(limits.idle_s):
                        piece = await response.read_some()
                    held += reader.feed(piece) if piece else ()
                    size += len(piece)
                    if size > MAX_ANSWER_BYTES:
                        raise TryFailed("malformed", f"{name} sent more than {MAX_ANSWER_BYTES} bytes")
        except TimeoutError as error:
            if not reader.is_complete:
                raise TryFailed("timeout", f"{name} fell silent in the middle of its answer") from error
        except ToolError as error:
            raise TryFailed("cut", error.failure.message) from error
        except MalformedAnswer as error:
            raise TryFailed("malformed", f"{name} sent an event that cannot be read: {error}") from error
        finally:
            response.close()
        if (fault := reader.fault) is not None:
            fault = _cleaned(fault, begun.redaction)
            raise TryFailed(str(fault.status), fault.message, status=fault.status, fault=fault, headers=begun.headers)
        held += () if begun.has_ended else reader.end()
        if not reader.is_complete:
            raise TryFailed("cut", f"{name} ended its answer before it was complete")
        return replace(begun, held=held, response=None, has_ended=True)

    async def _first_content(
        self, request: ModelRequest, target: ModelTarget, exchange: DialectExchange, response: StreamedResponse, redaction: Redaction | None
    ) -> Begun:
        """Read a stream up to its first content. Until then nothing has gone out, so that another target may still be asked."""
        reader = exchange.reader(request, target)
        held: list[bytes] = []
        held_bytes = 0
        piece = b"."
        while piece and not reader.has_content and not reader.is_complete:
            piece = await response.read_some()
            events = reader.feed(piece) if piece else reader.end()
            held += events
            held_bytes += len(piece)
            if reader.fault is not None and not reader.has_content:
                fault = _cleaned(reader.fault, redaction)
                raise TryFailed(
                    str(fault.status), fault.message, status=fault.status, fault=fault, headers=passed_headers(response.headers, redaction)
                )
            if not piece and not reader.is_complete:
                raise TryFailed("cut", f"{target.provider.name} ended its answer before it had begun")
            if (held_bytes > MAX_HELD_BYTES or len(held) > MAX_HELD_EVENTS) and not reader.has_content:
                most = f"{MAX_HELD_BYTES} bytes or {MAX_HELD_EVENTS} events"
                raise TryFailed("malformed", f"{target.provider.name} sent more than {most} without any content")
        headers = passed_headers(response.headers, redaction)
        return Begun(target, 200, headers, redaction, reader=reader, held=held, response=response, has_ended=not piece)

    async def _whole(
        self,
        request: ModelRequest,
        target: ModelTarget,
        exchange: DialectExchange,
        answer: OutboundResponse | StreamedResponse,
        body: bytes,
        redaction: Redaction | None,
        deadline: float,
    ) -> Begun:
        """Read a whole answer. Raises TryFailed for a refusal."""
        # Before anything is read of it: several providers repeat our key in a refusal.
        if redaction is not None:
            body = await redaction.body_in_turns(body)
        if answer.status >= 300:
            raise self._refused(target, exchange, answer, body, redaction)
        whole = await read_whole(exchange, request, target, answer.headers, body, _holder_of(request), deadline)
        return Begun(target, answer.status, passed_headers(answer.headers, redaction), redaction, whole=whole)

    def _refused(
        self,
        target: ModelTarget,
        exchange: DialectExchange,
        answer: OutboundResponse | StreamedResponse,
        body: bytes,
        redaction: Redaction | None,
    ) -> TryFailed:
        """Return what a status from 300 up means. A redirect would carry the caller's words and our key to where nobody configured."""
        is_answer = answer.status >= 400
        fault = exchange.fault(answer.status if is_answer else 502, answer.headers, body)
        leads = f"{target.provider.name} answered {answer.status}, which is followed by nobody; an operator sets base_url to where it leads"
        return TryFailed(
            str(answer.status),
            (fault.message or f"status {answer.status}") if is_answer else leads,
            status=answer.status,
            fault=fault if is_answer else None,
            headers=passed_headers(answer.headers, redaction),
            retry_after_s=asked_wait_s(answer.headers, self._clock()),
        )

    async def _outbound(
        self, request: ModelRequest, target: ModelTarget, asked: ProviderRequest, credential: Credential | None, limits: TimeLimits
    ) -> OutboundRequest:
        own = request.caller.own_key
        given: Headers = (own,) if own is not None else key_headers(credential, target.provider.dialect)
        # A provider is told nothing of the caller's trace unless the operator says so: it would tell calls of one trace apart from others.
        trace = (("traceparent", request.trace.traceparent),) if target.provider.traceparent and request.trace.traceparent else ()
        url = f"{target.provider.base_url}{asked.path}" + (f"?{asked.query}" if asked.query else "")
        headers = [*asked.headers, *trace, *given]
        if credential is not None and credential.kind == "sigv4" and own is None:
            signing = partial(sign, credential, "POST", url, headers, asked.body, self._clock())
            # Hashing lets others work meanwhile, in a thread.
            headers = await asyncio.to_thread(signing) if len(asked.body) > MAX_HELD_BYTES else signing()
        holder = _holder_of(request)
        return OutboundRequest("POST", url, headers, asked.body, limits.connect_s, MAX_ANSWER_BYTES, follow=False, holder=holder)


def media_type_of(begun: Begun) -> str:
    """Return what the provider calls a stream that is none of events; "" for one of events."""
    if begun.reader is None or begun.reader.content_type or begun.response is None:
        return ""
    said = begun.response.headers.get("content-type", "application/octet-stream")
    return "" if said.lower().startswith("text/event-stream") else said


def _holder_of(request: ModelRequest) -> Holder:
    """Return whose share of what is scarce a call takes."""
    return request.caller.tenant_id, request.caller.key_id or request.caller.user


def _redaction(credential: Credential | None, own_key: tuple[str, str] | None) -> Redaction | None:
    """Return what takes the key out of whatever comes back: ours, or the caller's own, which no body and no log repeats either."""
    if own_key is None:
        return Redaction((credential,)) if credential is not None else None
    redaction = Redaction(())
    redaction.add(own_key[1].rpartition(" ")[2])
    return redaction


def _cleaned(fault: ProviderFault, redaction: Redaction | None) -> ProviderFault:
    """Return a refusal without our key, which several providers repeat in it."""
    if redaction is None or not redaction.holds(fault.body + fault.message.encode()):
        return fault
    message = redaction.body(fault.message.encode()).decode(errors="replace")
    return ProviderFault(fault.kind, fault.status, redaction.body(fault.body), fault.content_type, message)
