"""Which web pages may read a route's answers (Fetch, "CORS protocol"): said here, whatever the backend says."""

from server.config_versions.sections.edge import EdgeCors, EdgeRoute
from server.edge.incoming import Incoming
from server.edge.refusals import EdgeRefused
from tools.egress.relay_answer import Fields


class Cors:
    """Of one route."""

    def __init__(self, config: EdgeCors, route: EdgeRoute) -> None:
        self._is_open = config.origins == ("*",)
        self._origins = frozenset(origin.encode() for origin in config.origins)
        credentials = [(b"access-control-allow-credentials", b"true")] if config.credentials else []
        exposed = [(b"access-control-expose-headers", ", ".join(config.exposed).encode())] if config.exposed else []
        methods = ", ".join(route.methods) or "GET, HEAD, POST, PUT, PATCH, DELETE"
        self._of_answer: Fields = [*credentials, *exposed]
        self._of_preflight: Fields = [
            *credentials,
            (b"access-control-allow-methods", methods.encode()),
            (b"access-control-allow-headers", ", ".join(config.headers).encode()),
            (b"access-control-max-age", b"%d" % config.max_age_s),
        ]

    def fields(self, origin: bytes) -> Fields:
        """Return what goes into each answer; `origin`: the request's, or b""."""
        # A cache that keeps one answer must not give it to another page (Fetch §3.3.5).
        vary = [] if self._is_open else [(b"vary", b"Origin")]
        return [*vary, *self._allowing(origin), *self._of_answer] if self.allows(origin) else vary

    def preflight(self, request: Incoming) -> Fields | None:
        """Return the head of the answer to a preflight, None where it is none. Raises EdgeRefused for a page that may not call."""
        if request.method != b"OPTIONS" or not request.value_of(b"access-control-request-method"):
            return None
        origin = request.value_of(b"origin")
        if not self.allows(origin):
            raise EdgeRefused(403, "origin_not_allowed", "pages of this origin may not call this address")
        return [(b"vary", b"Origin"), *self._allowing(origin), *self._of_preflight]

    def allows(self, origin: bytes) -> bool:
        # Byte for byte: browsers write an origin in one way (RFC 6454 §6.2). `null` is anybody's.
        return bool(origin) and (self._is_open or origin in self._origins)

    def _allowing(self, origin: bytes) -> Fields:
        return [(b"access-control-allow-origin", b"*" if self._is_open else origin)]
