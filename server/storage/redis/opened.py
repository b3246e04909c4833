"""Everything that is shared in Redis, opened."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from secrets import token_hex

from server.storage.redis.answers import RedisAnswers
from server.storage.redis.arrivals import RedisArrivals
from server.storage.redis.breaker_news import BreakerNews
from server.storage.redis.link import PATIENCE_S, RedisLink
from server.storage.redis.names import RedisNames
from server.storage.redis.windows import RedisWindows


@dataclass(frozen=True, slots=True)
class RedisState:
    """The parts, over one link."""

    link: RedisLink
    arrivals: RedisArrivals
    windows: RedisWindows
    answers: RedisAnswers
    breakers: BreakerNews


@asynccontextmanager
async def open_redis(url: str, environment: str, key: bytes, patience_s: float = PATIENCE_S) -> AsyncIterator[RedisState]:
    """Open the parts and look once whether somebody is there; where nobody is, they say so until somebody comes.

    `key`: 32 bytes that all nodes of the installation have, and nobody else.
    """
    link = RedisLink(url, patience_s)
    names = RedisNames(environment, key)
    answers = RedisAnswers.on(link, names)
    link.when_back.append(answers.pay)
    breakers = BreakerNews.on(link, names, token_hex(8))
    state = RedisState(link, RedisArrivals.on(link, names), RedisWindows.on(link, names), answers, breakers)
    try:
        await link.begin()
        yield state
    finally:
        await link.close()
