"""Requests to the token endpoints of providers, through the one way out."""

from collections.abc import Mapping

from oauth.fetch import Fetched, FetchRefused
from tools.egress.client import Egress, OutboundRequest
from tools.errors import ToolError


class ProviderEgress:
    """Keeps `oauth.fetch.Outbound`: guarded, no redirects, nothing cached."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    async def __call__(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, max_bytes: int, timeout_s: float
    ) -> Fetched:
        request = OutboundRequest(method, url, tuple(headers.items()), body, timeout_s, max_bytes, follow=False)
        try:
            answer = await self._egress.send(request)
        except ToolError as error:
            raise FetchRefused(error.failure.message) from error
        fields: dict[str, str] = {}
        for name, value in answer.headers.items():
            # Several fields of one name are one list (RFC 9110 §5.2): a server names Basic and Bearer in two WWW-Authenticate.
            fields[name.lower()] = f"{fields[name.lower()]}, {value}" if name.lower() in fields else value
        return Fetched(answer.status, fields, answer.body)
