"""What nodes share in microseconds, where an operator names a Redis; nothing of it is loaded where nobody does (decision 0059)."""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from prometheus_client.registry import Collector

from server.config.errors import SettingsError
from server.config.settings import Settings
from server.observability.redis_metrics import RedisMetrics
from server.rate_limits import SharedArrivals
from tools.ai_gateway.breaker import Breakers, Circuit
from tools.metering.shared_windows import SharedWindows
from tools.shared_answers import SharedAnswers
from tools.sources.http.base_urls import Upstreams

if TYPE_CHECKING:
    from server.storage.redis.opened import RedisState

_OPENED = "server.storage.redis.opened"
#: Nobody waits for a command that only looks; what stalled for a moment is not away.
LOOKING_PATIENCE_S = 2.0
#: kinds of breakers, as nodes tell each other
MODEL, UPSTREAM = "model", "upstream"


@dataclass(frozen=True, slots=True)
class SharedState:
    """The shared half of what every node also has by itself; all None where there is no Redis."""

    redis: "RedisState | None" = None

    @property
    def arrivals(self) -> SharedArrivals | None:
        return None if self.redis is None else self.redis.arrivals

    @property
    def windows(self) -> SharedWindows | None:
        return None if self.redis is None else self.redis.windows

    @property
    def answers(self) -> SharedAnswers | None:
        return None if self.redis is None else self.redis.answers

    @property
    def checks(self) -> Mapping[str, Callable[[], Coroutine[Any, Any, str | None]]]:
        """What `/readyz` asks; the gateway serves without it."""
        return {} if self.redis is None else {"redis": self.redis.link.ready}

    @property
    def metrics(self) -> tuple[Collector, ...]:
        if self.redis is None:
            return ()
        link = self.redis.link
        return (RedisMetrics(lambda: link.is_there, link.asked),)

    def background(self) -> tuple[Callable[[], Coroutine[Any, Any, None]], ...]:
        """Return what runs as long as the gateway does."""
        return () if self.redis is None else (self.redis.link.run, self.redis.breakers.run)

    def told_of_model(self, circuit: Circuit, open_s: float) -> None:
        """Tell the other nodes of a circuit of the AI gateway."""
        if self.redis is not None:
            self.redis.breakers.tell(MODEL, circuit, open_s)

    def told_of_upstream(self, base_url: str, open_s: float) -> None:
        """Tell the other nodes of a place of an upstream."""
        if self.redis is not None:
            self.redis.breakers.tell(UPSTREAM, (base_url,), open_s)

    def follow(self, models: Breakers, upstreams: Upstreams) -> None:
        """Have the breakers of this node hear of those of the others."""
        if self.redis is not None:
            self.redis.breakers.listen(MODEL, lambda name, open_s: models.heard((name[0], name[1]), open_s))
            self.redis.breakers.listen(UPSTREAM, lambda name, open_s: upstreams.heard(name[0], open_s))


@asynccontextmanager
async def open_shared_state(settings: Settings, key: bytes, *, at_work: bool = True) -> AsyncIterator[SharedState]:
    """Open what `ASCEND_REDIS_URL` names; `key`: 32 bytes that all nodes have, and no dump of Redis holds. Raises SettingsError.

    `at_work` False: for a command that looks once, and has time.
    """
    if not settings.store.redis_url:
        yield SharedState()
        return
    try:
        opened = import_module(_OPENED)
    except ModuleNotFoundError as error:
        raise SettingsError("ASCEND_REDIS_URL: the client is not installed; run `pip install 'ascend-gateway[redis]'`") from error
    patience = {} if at_work else {"patience_s": LOOKING_PATIENCE_S}
    async with opened.open_redis(settings.store.redis_url, settings.store.environment, key, **patience) as redis:
        yield SharedState(redis)
