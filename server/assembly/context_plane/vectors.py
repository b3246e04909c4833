"""The embeddings model of a tenant that names one (`[tenants.X] context_embeddings`), asked through the AI gateway's door."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import anyio
import anyio.to_thread
import orjson

from capability_index.encoders.embeddings_answer import vectors_in
from server.assembly.context_plane.models import reader_of
from tools.ai_gateway.answer_headers import asked_wait_s
from tools.ai_gateway.calls import ModelCalls
from tools.ai_gateway.configuration.config import AiConfig
from tools.ai_gateway.model_request import ModelRequest, Wishes
from tools.ai_gateway.replies import WholeReply
from tools.ai_gateway.routing.reach import reachable
from tools.context_plane.indexing.text_vectors import Floats, NotEncoded
from tools.operation import Json
from tools.sources.response_headers import is_number

#: a provider's word that it does not take what it was sent
_REFUSES_TEXTS = frozenset({400, 413, 422})


@dataclass(frozen=True, slots=True)
class _Named:
    """What a tenant names: the setting, the model that it leads to, and the size of its vectors where one is asked for."""

    setting: str
    model: str
    dimensions: int | None

    @property
    def name(self) -> str:
        return self.model if self.dimensions is None else f"{self.model}:{self.dimensions}"


class ContextVectors:
    """Keeps `TextVectors`. Each call is the tenant's: in its ledger under `context-plane`, within its budgets and limits."""

    def __init__(self, calls: ModelCalls, clock: Callable[[], float] = time.time) -> None:
        """`clock`: of the epoch, as limits tell their ends."""
        self._calls, self._clock = calls, clock
        #: tenant -> when more than half of its tightest limit is left again
        self._half_left_at: dict[str, float] = {}
        #: what was worked out of the configuration in force
        self._config: AiConfig | None = None
        self._named: dict[str, _Named | None] = {}

    def model_of(self, tenant_id: str) -> str:
        return named.name if (named := self._of(tenant_id)) is not None else ""

    async def encode(self, tenant_id: str, texts: Sequence[str], timeout_s: float, *, gives_way: bool = False) -> Floats:
        if gives_way and (wait_s := self._half_left_at.get(tenant_id, 0.0) - self._clock()) > 0:
            raise NotEncoded("half of a limit on the tenant's calls is left to its other calls", retry_after_s=wait_s)
        if (named := self._of(tenant_id)) is None:
            raise NotEncoded("the tenant names no embeddings model")
        model = named.name
        body: dict[str, Json] = {"model": named.setting, "input": [_sayable(text) for text in texts], "encoding_format": "float"}
        if named.dimensions is not None:
            body["dimensions"] = named.dimensions
        try:
            with anyio.fail_after(timeout_s):
                reply = await self._calls.answer(ModelRequest("embeddings", orjson.dumps(body), body, reader_of(tenant_id), Wishes()))
        except TimeoutError as error:
            raise NotEncoded(f"{model} did not answer within {timeout_s:g} s") from error
        if not isinstance(reply, WholeReply):
            raise NotEncoded(f"{model} began to stream")
        self._note_limit(tenant_id, reply.headers)
        if reply.status >= 400:
            raise _refusal(model, reply)
        # A route whose models changed while the request was under way; vectors of two models are never mixed.
        if (answered := reply.headers.get("x-model-id", "")) != named.model.encode("ascii", "replace").decode():
            raise NotEncoded(f"{answered} answered in the place of {named.model}")
        try:
            return await anyio.to_thread.run_sync(vectors_in, reply.body, len(texts))
        except ValueError as error:
            raise NotEncoded(f"{model}: {error}") from error

    def forget(self, tenant_id: str) -> None:
        self._calls.cache.kept.forget_vectors(tenant_id)

    def _note_limit(self, tenant_id: str, headers: Mapping[str, str]) -> None:
        """Remember until when less than half of the tightest limit is left; where none applies the headers tell nothing."""
        said = [headers.get(f"x-ratelimit-{name}", "") for name in ("limit", "remaining", "reset")]
        limit, left, reset = (int(each) if is_number(each) else 0 for each in said)
        if limit and left * 2 < limit:
            self._half_left_at[tenant_id] = float(reset)
        else:
            self._half_left_at.pop(tenant_id, None)

    def _of(self, tenant_id: str) -> _Named | None:
        config = self._calls.config()
        if config is not self._config:
            self._config, self._named = config, {}
        if tenant_id not in self._named:
            self._named[tenant_id] = _named(config, tenant_id)
        return self._named[tenant_id]


def _named(config: AiConfig, tenant_id: str) -> _Named | None:
    """Return the one model that a tenant's setting leads to; of a route to several there is none, which the configuration refuses."""
    rules = config.tenants.get(tenant_id)
    if rules is None or not rules.context_embeddings:
        return None
    models = {target.model for target in reachable(config, [rules.context_embeddings])}
    return _Named(rules.context_embeddings, models.pop(), rules.context_dimensions) if len(models) == 1 else None


def _sayable(text: str) -> str:
    """Return a text with a mark in the place of half characters, which no request can carry."""
    return text.encode("utf-8", "replace").decode()


def _refusal(model: str, reply: WholeReply) -> NotEncoded:
    ours = reply.headers.get("x-gateway-error", "")
    return NotEncoded(
        f"{model}: the model's door said {ours or reply.status}",
        is_of_texts=not ours and reply.status in _REFUSES_TEXTS,
        takes_one=ours == "unsupported",
        retry_after_s=asked_wait_s(reply.headers, time.time()) or 0.0,
    )
