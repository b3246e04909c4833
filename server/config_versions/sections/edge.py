"""`[[edge]]`: what other servers answer, behind the gateway's own address (operations contract, "Edge and webhooks")."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal
from urllib.parse import SplitResult

from pydantic import ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from oauth.jwt import ALGORITHMS
from server.config_versions.sections.edge_paths import fault_of_pattern, is_plain
from server.config_versions.sections.rate import Rate, RateText
from tools.egress.plain_http import PLAIN_HTTP_FAULT, is_in_the_clear
from tools.text.urls import parts_of

MAX_ROUTES: Final = 100
MAX_BACKENDS: Final = 20
#: of a route that says none, for each user, or each address where nobody is known
USUAL_LIMIT: Final = Rate(200, 3_600)
_STRICT = ConfigDict(extra="forbid", strict=True)
_ORIGIN: Final = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?")

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Method = Annotated[str, Field(pattern=r"^[A-Z][A-Z-]{0,19}$")]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,60}$")]
ClaimName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,40}$")]
Url = Annotated[str, Field(min_length=1, max_length=1_000)]
Seconds = Annotated[float, Field(gt=0, le=3_600)]

Place = tuple[str | int, ...]
_NO_HOST: Final = "begins with https:// (or http:// in a private network) and a host"


def _leads_to_a_host(parts: SplitResult) -> bool:
    return parts.scheme in ("http", "https") and bool(parts.hostname)


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeBackend:
    """One server. Requests are shared out by weight; 0: none for now."""

    __pydantic_config__ = _STRICT
    url: Url
    weight: Annotated[int, Field(ge=0, le=10_000)] = 1

    def faults(self) -> Iterator[tuple[Place, str]]:
        parts = parts_of(self.url)
        if not _leads_to_a_host(parts):
            yield ("url",), _NO_HOST
        elif parts.query or parts.fragment or "@" in parts.netloc:
            yield ("url",), "has a user, a query or a fragment; what is sent there is the caller's"
        elif parts.path not in ("", "/") and (not is_plain(parts.path) or "*" in parts.path):
            yield ("url",), "has a path of unusual spelling; letters, digits and . _ - ~ between single slashes"
        elif is_in_the_clear(self.url):
            yield ("url",), PLAIN_HTTP_FAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeHealth:
    """GET of `path` at each backend, which is well where it answers 2xx or 3xx in time."""

    __pydantic_config__ = _STRICT
    path: Annotated[str, Field(pattern=r"^/[!-~]{0,200}$")]
    every_s: Annotated[float, Field(ge=1, le=3_600)] = 30.0
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeCors:
    """Which web pages may call; the backend's own words about that are left out then. Methods are the route's."""

    __pydantic_config__ = _STRICT
    #: `*`: all, which goes without credentials
    origins: Annotated[tuple[str, ...], Field(min_length=1, max_length=50)]
    credentials: bool = False
    headers: Annotated[tuple[HeaderName, ...], Field(max_length=50)] = ("Authorization", "Content-Type")
    exposed: Annotated[tuple[HeaderName, ...], Field(max_length=50)] = ()
    max_age_s: Annotated[int, Field(ge=0, le=86_400)] = 600

    def faults(self) -> Iterator[tuple[Place, str]]:
        for index, origin in enumerate(self.origins):
            if origin != "*" and _ORIGIN.fullmatch(origin) is None:
                yield ("origins", index), 'is no origin; write scheme and host, as in "https://app.example.com", or "*"'
        if "*" in self.origins and (self.credentials or len(self.origins) > 1):
            yield ("origins",), '"*" stands alone and without credentials (Fetch §3.3.5)'


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeCache:
    """Answers to GET are kept for as long as they say (RFC 9111); `ttl_s`: those that say nothing."""

    __pydantic_config__ = _STRICT
    ttl_s: Annotated[float, Field(ge=0, le=604_800)] = 0.0
    stale_while_revalidate_s: Annotated[float, Field(ge=0, le=604_800)] = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeRoute:
    """`/edge/{name}/…`, and `path` as it is, at the first of the backends that are well.

    `timeout_s`: for a backend to connect, to answer, and to go on. `retry`: a request that may be repeated goes to another backend
    once where the first cannot answer. `pages` "trusted": scripts of the backend's pages may do here what the gateway's own may.
    """

    __pydantic_config__ = _STRICT
    name: Annotated[str, Field(pattern=r"^(|[a-z0-9][a-z0-9-]{0,39})$")] = ""
    path: Annotated[str, Field(max_length=200)] = ""
    #: empty: all
    methods: Annotated[tuple[Method, ...], Field(max_length=20)] = ()
    backends: Annotated[tuple[EdgeBackend, ...], Field(min_length=1, max_length=MAX_BACKENDS)]
    auth: Literal["none", "optional", "required"] = "none"
    issuer: Annotated[str, Field(max_length=500)] = ""
    audience: Annotated[str, Field(max_length=500)] = ""
    #: where the issuer's keys are
    jwks_uri: Annotated[str, Field(max_length=1_000)] = ""
    algorithms: Annotated[tuple[str, ...], Field(min_length=1, max_length=len(ALGORITHMS))] = ("ES256", "RS256", "EdDSA")
    #: they go on as X-User-…; `sub` as X-User-Id
    claims: Annotated[tuple[ClaimName, ...], Field(max_length=20)] = ("sub", "email", "role", "plan")
    cors: EdgeCors | None = None
    limit: RateText = USUAL_LIMIT
    timeout_s: Seconds = 30.0
    max_body_bytes: Annotated[int, Field(ge=0, le=1 << 40)] = 32 << 20
    #: exchanges under way at one time
    max_in_flight: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    websocket: bool = False
    retry: Literal["idempotent", "never"] = "idempotent"
    health: EdgeHealth | None = None
    cache: EdgeCache | None = None
    pages: Literal["sandboxed", "trusted"] = "sandboxed"

    @property
    def label(self) -> str:
        """What it is called in logs and metrics."""
        return self.name or self.path

    def faults(self) -> Iterator[tuple[Place, str]]:
        """Yield place and words of what types cannot say."""
        if not self.name and not self.path:
            yield ("name",), "is missing; a route has a name, and is at /edge/{name}/, or a path"
        if self.path and (words := fault_of_pattern(self.path)):
            yield ("path",), words
        for index, backend in enumerate(self.backends):
            for place, words in backend.faults():
                yield ("backends", index, *place), words
        urls = [backend.url for backend in self.backends]
        for index, url in enumerate(urls):
            if url in urls[:index]:
                yield ("backends", index, "url"), "stands there twice; give it one weight"
        if not any(backend.weight for backend in self.backends):
            yield ("backends",), "all have weight 0; nobody would answer"
        for place, words in self.cors.faults() if self.cors is not None else ():
            yield ("cors", *place), words
        yield from self._auth_faults()

    def _auth_faults(self) -> Iterator[tuple[Place, str]]:
        for index, algorithm in enumerate(self.algorithms):
            if algorithm not in ALGORITHMS:
                yield ("algorithms", index), f"is none that is verified here; there are {', '.join(ALGORITHMS)}"
        if self.auth == "none":
            for name in ("issuer", "audience", "jwks_uri"):
                if getattr(self, name):
                    yield (name,), 'says who signs, and nobody looks; write auth = "required" or "optional"'
            return
        for name in ("issuer", "audience", "jwks_uri"):
            if not getattr(self, name):
                yield (name,), "is missing; without it any token of anybody would do"
        parts = parts_of(self.jwks_uri)
        if self.jwks_uri and not _leads_to_a_host(parts):
            yield ("jwks_uri",), _NO_HOST
        elif parts.fragment or "@" in parts.netloc:
            yield ("jwks_uri",), "has a user or a fragment; keys are public"
        elif self.jwks_uri and is_in_the_clear(self.jwks_uri):
            yield ("jwks_uri",), PLAIN_HTTP_FAULT


@dataclass(frozen=True, slots=True)
class Edge:
    """All routes: the section is a list."""

    root: tuple[EdgeRoute, ...] = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        routes = handler.generate_schema(Annotated[tuple[EdgeRoute, ...], Field(max_length=MAX_ROUTES)])
        return core_schema.no_info_after_validator_function(cls, routes)

    def faults(self) -> Iterator[tuple[Place, str]]:
        """Yield place and words of what types cannot say."""
        seen = set[str]()
        for index, route in enumerate(self.root):
            for place, words in route.faults():
                yield (index, *place), words
            for member in ("name", "path"):
                said = getattr(route, member)
                if said and said in seen:
                    yield (index, member), "stands there twice; one of the routes would never be asked"
                seen.add(said)
