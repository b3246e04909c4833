"""The same way out for libraries that speak httpx2: authlib's client and the MCP SDK's."""

from collections.abc import AsyncIterator

import aiohttp
import httpx2

from tools.egress.addresses import Target
from tools.egress.client import MAX_TIMEOUT_S, Egress, failure_of, own_headers
from tools.errors import EgressRefused, ToolError, UpstreamFailed

#: What httpx2's own transport would raise for the same fault.
_ERROR_BY_CODE: dict[str, type[httpx2.TransportError]] = {
    "egress_refused": httpx2.ConnectError,
    "upstream_unreachable": httpx2.ConnectError,
    "upstream_timeout": httpx2.ReadTimeout,
    "upstream_reset": httpx2.ReadError,
    "upstream_malformed": httpx2.RemoteProtocolError,
}


class GuardedTransport(httpx2.AsyncBaseTransport):
    """An httpx2 transport on the guarded pool; answers are streamed, redirects are left to httpx2, which comes back here for each hop.

    Refusals and failures are httpx2's own errors, so that its users handle them as they handle any transport's. A timeout in the
    request bounds each wait for bytes; who opens a stream that may stay silent for long says so there (`read=None`).
    """

    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        given = request.extensions.get("timeout") or {}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=MAX_TIMEOUT_S, sock_read=given.get("read", MAX_TIMEOUT_S))
        try:
            # Each redirect comes back through here and is judged anew (SSRF).
            target = self._egress.rules.target(str(request.url))
            headers = own_headers(list(request.headers.items()))
            response = await self._egress.open(request.method, target, headers, body or None, timeout)
        except (EgressRefused, UpstreamFailed) as error:
            raise _httpx_error(error, request) from error
        # RFC 9112 §7.1.3: the chunks are gone from this body, so the field must go as well.
        headers_sent = [(name, value) for name, value in response.raw_headers if name.lower() != b"transfer-encoding"]
        return httpx2.Response(response.status, headers=headers_sent, stream=_Body(response, target, request), request=request)


class _Body(httpx2.AsyncByteStream):
    """The bytes as they arrive; httpx2 decodes them by Content-Encoding."""

    def __init__(self, response: aiohttp.ClientResponse, target: Target, request: httpx2.Request) -> None:
        self._response, self._target, self._request = response, target, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.content.iter_any():
                yield chunk
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _httpx_error(failure_of(error, self._target), self._request) from error

    async def aclose(self) -> None:
        self._response.close()


def _httpx_error(error: ToolError, request: httpx2.Request) -> httpx2.TransportError:
    return _ERROR_BY_CODE.get(error.failure.code, httpx2.ReadError)(error.failure.message, request=request)
