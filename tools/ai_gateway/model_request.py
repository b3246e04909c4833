"""A model call as it came in: whose it is, what it asks, and what its headers wish for."""

from collections.abc import Mapping
from dataclasses import field
from typing import Final, Literal

from oauth.principal import Principal
from tools.operation import Json
from tools.value_objects import value_object

#: the shape of a request and of its answer, by the URL that it came to; native: a provider's own API (Cloudflare's second URL)
Surface = Literal["chat", "responses", "embeddings", "rerank", "messages", "count_tokens", "native"]
#: a body of theirs may say `stream` all the same, and means nothing by it
_WITHOUT_STREAMS: Final[frozenset[Surface]] = frozenset({"embeddings", "rerank", "count_tokens"})

#: of the name that a body gives its user: it is kept with each call, and counted by
MAX_USER_CHARS = 512


@value_object
class _Bounds:
    """How an endpoint spells the maximum of an answer and the number of answers. `within`: what holds them; "": the body itself.

    Another endpoint's words bound nothing: most providers pass over members that they do not know.
    """

    maxima: frozenset[str]
    answers: frozenset[str] = frozenset()
    within: tuple[str, ...] = ("",)


_CHAT: Final = _Bounds(frozenset({"max_completion_tokens", "max_tokens"}), frozenset({"n"}))
_RESPONSES: Final = _Bounds(frozenset({"max_output_tokens"}))
_GEMINI: Final = _Bounds(
    frozenset({"maxOutputTokens", "max_output_tokens"}),
    frozenset({"candidateCount", "candidate_count"}),
    ("generationConfig", "generation_config"),
)
_CONVERSE: Final = _Bounds(frozenset({"maxTokens"}), within=("inferenceConfig",))
#: the body is that of whoever made the model
_INVOKE: Final = _Bounds(
    frozenset({"max_tokens", "max_tokens_to_sample", "max_gen_len", "max_new_tokens", "maxTokens", "maxTokenCount"}),
    frozenset({"num_generations"}),
    ("", "inferenceConfig", "textGenerationConfig"),
)
#: by surface, or by the last word of a path of a provider's own API; else as chat
_BOUNDS: Final[Mapping[str, _Bounds]] = {
    "messages": _Bounds(frozenset({"max_tokens"})),
    "responses": _RESPONSES,
    "generateContent": _GEMINI,
    "streamGenerateContent": _GEMINI,
    "converse": _CONVERSE,
    "converse-stream": _CONVERSE,
    "invoke": _INVOKE,
    "invoke-with-response-stream": _INVOKE,
}


@value_object
class ModelTrace:
    """The trace that a call belongs to (W3C Trace Context). `traceparent`: for providers that are told of it; "": there is none."""

    trace_id: str = ""
    traceparent: str = ""


@value_object
class ModelCaller:
    """Who calls. `allow` are globs of models and routes (None: whatever the tenant may use)."""

    tenant_id: str
    #: of a caller's key; "" for an OAuth token
    key_id: str = ""
    key_name: str = ""
    #: the person behind the key or token; "" where there is none
    user: str = ""
    allow: tuple[str, ...] | None = None
    #: whose connections a call made in a conversation uses; None for a caller's key
    principal: Principal | None = None
    #: the caller's own key, as the header that it came in (`caller_keys`); it is for the one provider that was decided on, never kept,
    #: never shown
    own_key: tuple[str, str] | None = field(default=None, repr=False)


@value_object
class Wishes:
    """What the x-gateway-* headers (or their cf-aig-* aliases) ask for."""

    metadata: Mapping[str, Json] = field(default_factory=dict)
    user: str = ""
    tier: str = ""
    provider: str = ""
    skip_cache: bool = False
    cache_ttl_s: float | None = None
    cache_key: str = ""
    #: until the first byte, per target
    timeout_s: float | None = None
    #: over all targets
    max_attempts: int | None = None
    log_payload: bool = False
    #: a stream is held back until it is complete
    is_reliable: bool = False
    #: what a sticky route keeps together
    session: str = ""


@value_object
class ModelRequest:
    """One request. `raw` is the body as it came, `body` the same read.

    `headers` are those that may go on to a provider of the same dialect; no credential is among them.
    """

    surface: Surface
    raw: bytes = field(repr=False)
    body: Mapping[str, Json] = field(repr=False)
    caller: ModelCaller
    wishes: Wishes
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    #: as it came, without `?`
    query: str = ""
    #: Cloudflare's resource; "" for the others
    gateway: str = ""
    #: native only: the provider and the path behind its base URL
    native_provider: str = ""
    native_path: str = ""
    #: the path alone asks for a stream
    is_native_stream: bool = False
    trace: ModelTrace = ModelTrace()
    #: `experiment/arm` whose shadow this call is; "": somebody waits for the answer
    shadow_of: str = ""

    @property
    def model(self) -> str:
        """The model or route that is asked for; "" for none, and `default` is none."""
        named = self.body.get("model")
        return named if isinstance(named, str) and named != "default" else ""

    @property
    def is_stream(self) -> bool:
        return self.is_native_stream or (self.body.get("stream") is True and self.surface not in _WITHOUT_STREAMS)

    @property
    def wants_usage(self) -> bool:
        """The caller asked for the usage of a stream (OpenAI); other dialects always tell it."""
        options = self.body.get("stream_options")
        return isinstance(options, dict) and options.get("include_usage") is True

    @property
    def max_output_tokens(self) -> int:
        """How many tokens of output the caller allows an answer; 0 where nothing is said. Of several names the largest counts."""
        return max((value for value in self._said(self._bounds.maxima).values() if is_count(value)), default=0)

    @property
    def answers(self) -> int:
        """How many answers are asked for, each with a maximum of its own."""
        return max((value for value in self._said(self._bounds.answers).values() if is_count(value)), default=1)

    @property
    def unbounded_by(self) -> str:
        """The member that is to bound the answer and is no whole number from 1 up: providers differ in what they make of it; "": none."""
        said = self._said(self._bounds.maxima | self._bounds.answers)
        return next((name for name, value in said.items() if not is_count(value)), "")

    @property
    def _bounds(self) -> _Bounds:
        word = self.native_path.rpartition("/")[2].rpartition(":")[2] if self.surface == "native" else self.surface
        return _BOUNDS.get(word, _CHAT)

    def _said(self, names: frozenset[str]) -> dict[str, Json]:
        """Return what the body says under one of `names`; null says nothing."""
        places = [inner for each in self._bounds.within if isinstance(inner := self.body.get(each) if each else self.body, Mapping)]
        return {name: place[name] for place in places for name in names & place.keys() if place[name] is not None}

    @property
    def user(self) -> str:
        """Who it is for: the header, else the body's `user`, else the key's person."""
        said = self.body.get("user")
        return self.wishes.user or (said[:MAX_USER_CHARS] if isinstance(said, str) else "") or self.caller.user


def is_count(value: Json) -> bool:
    """Say whether a member of a body is a whole number from 1 up."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
