"""Reads the body of a model call into a `ModelRequest`."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from starlette.types import Receive, Scope

from server.http.buffered_exchange import BufferedExchange
from server.model_api.body_checks import check_body
from server.model_api.paths import ModelPath
from server.model_api.wishes import passed_headers, read_wishes
from server.request_body import BODY_TIMEOUT_S, read_body
from tools.ai_gateway.calls import asks_stream
from tools.ai_gateway.configuration.config import AiConfig
from tools.ai_gateway.model_request import ModelCaller, ModelRequest, ModelTrace
from tools.ai_gateway.refusals import ModelCallRefused, forbidden, invalid_request
from tools.heavy_json.weight import MAX_SENT_VALUES, values_in_turns

#: as large as Anthropic takes (images)
MAX_BODY_BYTES = 32 << 20
#: of a provider's own API: a model that it names is kept, as one that a body names
MAX_PATH_CHARS = 2_048
#: after reading this much, others have a turn
TURN_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class IncomingBody:
    """Reads bodies within bounds."""

    receive: Receive
    whole: BufferedExchange | None

    async def read(self) -> bytes:
        """Return the body. Raises ModelCallRefused, and ClientGone where nobody waits for an answer any more."""
        # decision 0018: where it is all here, without events.
        body = self.whole.take_body() if self.whole is not None else None
        if body is None:
            try:
                body = await read_body(self.receive, MAX_BODY_BYTES)
            except TimeoutError as error:
                raise ModelCallRefused("invalid_request", 408, f"the body did not arrive within {BODY_TIMEOUT_S:.0f} s") from error
        if body is None:
            raise ModelCallRefused("invalid_request", 413, f"the body is larger than {MAX_BODY_BYTES >> 20} MiB; send less")
        return body


async def read_request(
    path: ModelPath, scope: Scope, headers: Mapping[str, str], raw: bytes, caller: ModelCaller, config: AiConfig, trace: ModelTrace
) -> ModelRequest:
    """Return the request; of a large one others have a turn between its parts.

    Raises ModelCallRefused for what is no object, and for a gateway that is not the caller's.
    """
    check_gateway(path, caller, config)
    if len(path.rest) > MAX_PATH_CHARS:
        raise invalid_request(f"the path behind the provider has {len(path.rest):,} characters; {MAX_PATH_CHARS:,} at most")
    # decision 0027: weighed as text, since decoding millions of values stops everybody.
    if len(raw) > MAX_SENT_VALUES and await values_in_turns(raw, MAX_SENT_VALUES) > MAX_SENT_VALUES:
        raise ModelCallRefused("invalid_request", 413, f"the body holds more than {MAX_SENT_VALUES:,} values; send fewer at once")
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise invalid_request(f"the body is no JSON (RFC 8259) in UTF-8: {error.msg} at byte {error.pos}") from error
    if not isinstance(body, dict):
        raise invalid_request("the body is not a JSON object")
    if len(raw) > TURN_BYTES:
        await asyncio.sleep(0)
    check_body(path.surface, body)
    query = scope["query_string"].decode("latin-1")
    return ModelRequest(
        surface=path.surface,
        raw=raw,
        body=body,
        caller=caller,
        wishes=read_wishes(headers),
        headers=passed_headers(headers, caller.tenant_id if caller.own_key is None else ""),
        query=query,
        gateway=path.gateway,
        native_provider=path.provider,
        native_path=path.rest,
        is_native_stream=path.surface == "native" and asks_stream(config, path.provider, path.rest, query),
        trace=trace,
    )


def check_gateway(path: ModelPath, caller: ModelCaller, config: AiConfig) -> None:
    """Raise ModelCallRefused where a path names a gateway that is another tenant's, or none: nobody learns which."""
    if not path.gateway:
        return
    if (path.tenant_id, path.gateway) not in config.gateways or caller.tenant_id != path.tenant_id:
        raise forbidden("there is no such gateway for this caller; an operator makes one under [gateways] or over the admin API")
