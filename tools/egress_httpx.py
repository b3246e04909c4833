"""The same way out for libraries that speak httpx2: authlib's client and the MCP SDK's."""

from collections.abc import AsyncIterator

import aiohttp
import httpx2
from multidict import CIMultiDict

from tools.egress import OURS, Egress, failed
from tools.egress_addresses import refused
from tools.errors import EgressRefused

DEFAULT_TIMEOUT_S = 30.0


class GuardedTransport(httpx2.AsyncBaseTransport):
    """An httpx2 transport on the guarded pool; answers are streamed, redirects are left to httpx2, which comes back here for each hop.

    Refusals and failures are httpx2's own errors, so that its users handle them as they handle any transport's.
    """

    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        headers = CIMultiDict((name, value) for name, value in request.headers.items() if name.lower() not in OURS)
        timeout = request.extensions.get("timeout") or {}
        timeout_s = timeout.get("read") or DEFAULT_TIMEOUT_S
        url = str(request.url)
        try:
            response = await self._egress.open(request.method, url, headers, body or None, timeout_s)
        except EgressRefused as error:
            raise httpx2.ConnectError(error.failure.message, request=request) from error
        except aiohttp.ServerTimeoutError as error:
            raise httpx2.ReadTimeout(str(failed(url, "upstream_timeout", "gave no answer in time")), request=request) from error
        except aiohttp.ClientConnectorError as error:
            raise httpx2.ConnectError(str(refused(url, "could not be reached")), request=request) from error
        except aiohttp.ClientError as error:
            raise httpx2.ReadError(str(failed(url, "upstream_reset", "broke off the connection")), request=request) from error
        pairs = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in response.headers.items()]
        return httpx2.Response(response.status, headers=pairs, stream=_Body(response), request=request)


class _Body(httpx2.AsyncByteStream):
    """The bytes as they arrive; httpx2 decodes them by Content-Encoding."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.content.iter_any():
                yield chunk
        except (aiohttp.ClientError, TimeoutError) as error:
            raise httpx2.ReadError("the upstream broke off its answer") from error

    async def aclose(self) -> None:
        self._response.close()
