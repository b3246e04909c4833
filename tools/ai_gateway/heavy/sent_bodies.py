"""Requests that take long to be put into a provider's words: a child writes them."""

from dataclasses import asdict, replace

from tools.ai_gateway.dialects.exchange import DialectExchange, ProviderRequest
from tools.ai_gateway.dialects.exchanges import exchange_of
from tools.ai_gateway.heavy.public_part import without_caller
from tools.ai_gateway.model_request import ModelRequest
from tools.ai_gateway.refusals import ModelCallRefused
from tools.ai_gateway.routing.decision import ModelTarget
from tools.errors import Busy, NotRead
from tools.fair_semaphore import Holder
from tools.heavy_json.weight import values_in_text
from tools.heavy_json.worker import WORKERS, Told

#: translating one value takes some 5 µs, twenty times as long as decoding it
MAX_TRANSLATED_VALUES = 5_000
#: a body is looked through, changed in place and read again: some 10 ms a megabyte where it is all escapes
MAX_BYTES = 4 << 20


async def provider_request(
    exchange: DialectExchange, request: ModelRequest, target: ModelTarget, max_output_tokens: int | None, holder: Holder, deadline: float
) -> ProviderRequest:
    """Return what `exchange.request` does, wherever it is written. `deadline`: loop time.

    Raises ModelCallRefused as it does, and a ToolError where no child can write it in time.
    """
    if not _takes_long(exchange, request.raw):
        return exchange.request(request, target, max_output_tokens)
    given = (without_caller(request), request.raw, target, max_output_tokens)
    try:
        told = await WORKERS.work(_written, *given, holder=holder, deadline=deadline)
    except NotRead:
        raise Busy("the workers that write large requests") from None
    if "refusal" in told.facts:
        raise ModelCallRefused(**told.facts["refusal"])
    path, headers, query = told.facts["path"], told.facts["headers"], told.facts["query"]
    return ProviderRequest(path, told.value, tuple((name, value) for name, value in headers), query)


def _takes_long(exchange: DialectExchange, raw: bytes) -> bool:
    if len(raw) <= MAX_TRANSLATED_VALUES:
        return False
    if len(raw) > MAX_BYTES:
        return True
    return exchange.translates and values_in_text(raw, MAX_TRANSLATED_VALUES) > MAX_TRANSLATED_VALUES


def _written(request: ModelRequest, raw: bytes, target: ModelTarget, max_output_tokens: int | None) -> Told:
    """In the child."""
    try:
        sent = exchange_of(request.surface, target.provider).request(replace(request, raw=raw), target, max_output_tokens)
    except ModelCallRefused as refusal:
        return Told({"refusal": asdict(refusal)}, b"")
    return Told({"path": sent.path, "headers": [list(header) for header in sent.headers], "query": sent.query}, sent.body)
