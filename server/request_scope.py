"""What travels with one request in its ASGI scope, and the headers that cross-origin callers may see."""

from collections.abc import Sequence

Headers = Sequence[tuple[bytes, bytes]]


#: scope key of what the guard adds to every response head, for answers that do not go through its `send`
ADDED_HEADERS = "ascend.added_headers"


#: scope keys: a whole answer that replaces the one under way; headers to add to it
REPLACEMENT = "ascend.replacement"


EXTRA_HEADERS = "ascend.extra_headers"


#: scope key of the verified token, which the bearer guard puts there
VERIFIED = "ascend.verified"


#: any web page may talk to these endpoints, but never with this site's cookies
CORS = {"access-control-allow-origin": "*", "access-control-expose-headers": "WWW-Authenticate, Mcp-Session-Id, Retry-After"}


#: `*` stands for everything but Authorization where no cookies go along (Fetch §3.3.5): Mcp-Param-*, trace context, what clients add
ALLOWED_HEADERS = "Authorization, Content-Type, MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, Last-Event-ID, *"
