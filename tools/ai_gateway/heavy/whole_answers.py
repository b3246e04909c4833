"""Whole answers that are too heavy to be decoded beside everybody's calls: a child reads them, and what goes on is bytes."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, replace

from tools.ai_gateway.dialects.exchange import DialectExchange, FaultInside, MalformedAnswer, ProviderFault, WholeAnswer
from tools.ai_gateway.dialects.exchanges import exchange_of
from tools.ai_gateway.heavy.public_part import without_caller
from tools.ai_gateway.model_request import ModelRequest
from tools.ai_gateway.routing.decision import ModelTarget
from tools.ai_gateway.token_usage import TokenUsage
from tools.fair_semaphore import Holder
from tools.heavy_json.weight import is_heavy
from tools.heavy_json.worker import WORKERS, Told


async def read_whole(
    exchange: DialectExchange,
    request: ModelRequest,
    target: ModelTarget,
    headers: Mapping[str, str],
    body: bytes,
    holder: Holder,
    deadline: float,
) -> WholeAnswer:
    """Return what `exchange.whole` does, wherever it is read. `deadline`: loop time.

    Raises MalformedAnswer and FaultInside as it does, and a ToolError where no child can read it in time.
    """
    if not is_heavy(body):
        return exchange.whole(request, target, headers, body)
    media_type = headers.get("content-type", "application/json")
    told = await WORKERS.work(_whole, without_caller(request), request.raw, target, media_type, body, holder=holder, deadline=deadline)
    facts = told.facts
    if "malformed" in facts:
        raise MalformedAnswer(facts["malformed"])
    if "fault" in facts:
        raise FaultInside(ProviderFault(body=told.value, **facts["fault"]))
    usage = TokenUsage(**facts["usage"]) if facts["usage"] is not None else None
    return WholeAnswer(body if facts["is_same"] else told.value, usage, facts["chars"], facts["content_type"])


def _whole(request: ModelRequest, raw: bytes, target: ModelTarget, media_type: str, body: bytes) -> Told:
    """In the child."""
    request = replace(request, raw=raw)
    try:
        whole = exchange_of(request.surface, target.provider).whole(request, target, {"content-type": media_type}, body)
    except FaultInside as inside:
        fault = inside.fault
        said = {"kind": fault.kind, "status": fault.status, "content_type": fault.content_type, "message": fault.message}
        return Told({"fault": said}, fault.body)
    except MalformedAnswer as error:
        return Told({"malformed": str(error)}, b"")
    is_same = whole.body is body
    usage = asdict(whole.usage) if whole.usage is not None else None
    facts = {"usage": usage, "chars": whole.produced_chars, "content_type": whole.content_type, "is_same": is_same}
    return Told(facts, b"" if is_same else whole.body)


async def replayed(
    exchange: DialectExchange, request: ModelRequest, target: ModelTarget, body: bytes, holder: Holder
) -> tuple[bytes, bytes]:
    """Return a whole answer as the events of a stream, and the last of them. Raises a ToolError where no child can read it in time."""
    if not is_heavy(body):
        events = exchange.replay(request, body)
        return b"".join(events[:-1]), events[-1]
    told = await WORKERS.work(_replayed, without_caller(request), target, body, holder=holder)
    first = told.facts["first_bytes"]
    await asyncio.sleep(0)
    return told.value[:first], told.value[first:]


def _replayed(request: ModelRequest, target: ModelTarget, body: bytes) -> Told:
    """In the child."""
    events = exchange_of(request.surface, target.provider).replay(request, body)
    return Told({"first_bytes": sum(map(len, events[:-1]))}, b"".join(events))
