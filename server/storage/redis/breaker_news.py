"""Which targets and upstreams are left alone, told between nodes: on record until their time is over, and published at once."""

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio
import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from server.storage.redis.link import RedisLink, Script, client_of
from server.storage.redis.names import NOBODYS, RedisNames

MAX_OPEN = 10_000
MAX_NAME_BYTES = 2_048
MAX_OPEN_S = 3_600.0
#: After that a word is asked for, and after as long again the connection is given up: TCP would hold a broken one for 15 minutes.
SILENCE_S = 30.0
AGAIN_S = 1.0

#: KEYS: the set of what is open, by when it ends. ARGV: channel, name, milliseconds (0: closed), what is told, the most that are kept.
_TELL = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local for_ms = tonumber(ARGV[3])
if for_ms > 0 then redis.call('ZADD', KEYS[1], now + for_ms, ARGV[2]) else redis.call('ZREM', KEYS[1], ARGV[2]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - tonumber(ARGV[5]))
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
if last[2] then redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', tonumber(last[2]))) end
redis.call('PUBLISH', ARGV[1], ARGV[4])
return 0
"""
#: KEYS: the set. Returns what is open, each with the milliseconds that are left.
_OPEN = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('ZRANGE', KEYS[1], '(' .. string.format('%.0f', now), '+inf', 'BYSCORE', 'WITHSCORES')
for i = 2, #found, 2 do found[i] = string.format('%.0f', tonumber(found[i]) - now) end
return found
"""

log = logging.getLogger("ascend")
#: for whom a breaker is, and for how many seconds it is open; 0: closed
Heard = Callable[[tuple[str, ...], float], None]


@dataclass(slots=True)
class BreakerNews:
    """Tells what this node's breakers do, and has them hear what the others' do. `node`: who tells; nobody hears itself.

    Which targets and places there are is sealed: others on this Redis neither read it nor can make any up.
    """

    link: RedisLink
    names: RedisNames
    node: str
    _tell: Script
    _open: Script
    silence_s: float = SILENCE_S
    #: kind of breaker -> who hears of it
    _heard: dict[str, Heard] = field(default_factory=dict)

    @classmethod
    def on(cls, link: RedisLink, names: RedisNames, node: str) -> "BreakerNews":
        return cls(link, names, node, link.script(_TELL), link.script(_OPEN))

    def listen(self, kind: str, heard: Heard) -> None:
        """Have `heard` called for every breaker of this kind that another node opened or closed."""
        self._heard[kind] = heard

    def tell(self, kind: str, name: tuple[str, ...], open_s: float) -> None:
        """Tell the others that a breaker is open for so long, or (0) closed; nobody waits for it."""
        text = orjson.dumps([kind, *name])
        if len(text) <= MAX_NAME_BYTES:
            for_ms = math.ceil(min(open_s, MAX_OPEN_S) * 1_000)
            told = self.names.sealed(self._channel, orjson.dumps([self.node, text.decode(), for_ms]))
            self.link.later(self._tell, [self._set], self._channel, self.names.marked(self._set, text), for_ms, told, MAX_OPEN)

    async def run(self) -> None:
        """Hear what others tell, and after every connection what is open by then; until cancelled."""
        while True:
            client = client_of(self.link.url)
            try:
                await self._hear(client)
            except (RedisError, OSError, TimeoutError) as error:
                log.debug("breaker_news_lost", extra={"facts": {"kind": type(error).__name__}})
            finally:
                # Cancelled or not: what is closed half way stays open.
                with anyio.CancelScope(shield=True):
                    await client.aclose()
                    await client.connection_pool.disconnect()
            await asyncio.sleep(AGAIN_S)

    async def _hear(self, client: Redis) -> None:
        news = client.pubsub()
        try:
            async with asyncio.timeout(self.silence_s):
                await news.subscribe(self._channel)
                # Subscribed first: what is told meanwhile is heard twice rather than never.
                found: list[bytes] = await client.execute_command("EVAL", self._open.text, 1, self._set)  # type: ignore[no-untyped-call]
            for mark, left_ms in zip(found[::2], found[1::2], strict=True):
                if (text := self.names.unmarked(self._set, bytes(mark))) is not None:
                    self._take(text, int(left_ms))
            is_asked = False
            while True:
                # None is silence alone: that it is subscribed, or still there, is a message, too.
                message = await news.get_message(timeout=self.silence_s)
                if message is None:
                    if is_asked:
                        raise TimeoutError
                    await news.ping()
                    is_asked = True
                    continue
                is_asked = False
                if message["type"] == "message" and (told := self.names.opened(self._channel, message["data"])) is not None:
                    node, text, for_ms = orjson.loads(told)
                    if node != self.node:
                        self._take(text.encode(), for_ms)
        finally:
            with anyio.CancelScope(shield=True):
                await news.aclose()  # type: ignore[no-untyped-call]

    def _take(self, text: bytes, for_ms: int) -> None:
        kind, *name = orjson.loads(text)
        if (heard := self._heard.get(kind)) is not None:
            # Whoever shares this Redis may change when something ends, or say again what was said.
            heard(tuple(name), min(for_ms / 1_000, MAX_OPEN_S))

    @property
    def _set(self) -> str:
        return self.names.of(NOBODYS, "breakers")

    @property
    def _channel(self) -> str:
        return self.names.of(NOBODYS, "breaker-news")
