"""Rate limits that all nodes take from together: GCRA as one step in Redis, by the clock of Redis."""

from dataclasses import dataclass

from server.rate_limits import Taken
from server.storage.redis.link import RedisAway, RedisLink, Script
from server.storage.redis.names import NOBODYS, RedisNames

#: KEYS: the arrival. ARGV: interval and tolerance in microseconds. Returns how many microseconds to wait (0: it was taken), and until
#: the limit is whole again.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + tonumber(ARGV[1])
local wait = arrival - now - tonumber(ARGV[2])
if wait > 0 then return {math.ceil(wait), math.ceil(arrival - now - tonumber(ARGV[1]))} end
redis.call('SET', KEYS[1], string.format('%.0f', arrival), 'PX', math.ceil((arrival - now) / 1000) + 1)
return {0, math.ceil(arrival - now)}
"""
#: KEYS: the arrival. ARGV: the interval
_GIVE_BACK = """
local arrival = redis.call('GET', KEYS[1])
if arrival then redis.call('SET', KEYS[1], string.format('%.0f', arrival - tonumber(ARGV[1])), 'KEEPTTL') end
return 0
"""


@dataclass(slots=True)
class RedisArrivals:
    """`SharedArrivals` of server/rate_limits.py. What is asked for here has no tenant yet: addresses, clients, guesses."""

    link: RedisLink
    names: RedisNames
    _take: Script
    _give_back: Script

    @classmethod
    def on(cls, link: RedisLink, names: RedisNames) -> "RedisArrivals":
        return cls(link, names, link.script(_TAKE), link.script(_GIVE_BACK))

    async def take(self, bucket: str, key: str, interval_s: float, tolerance_s: float) -> Taken | None:
        name = self.names.of(NOBODYS, "arrival", bucket, key)
        try:
            wait_us, used_us = await self.link.ask(self._take, [name], round(interval_s * 1e6), round(tolerance_s * 1e6))
        except RedisAway:
            return None
        return Taken(int(wait_us) / 1e6, int(used_us) / 1e6)

    def give_back(self, bucket: str, key: str, interval_s: float) -> None:
        self.link.later(self._give_back, [self.names.of(NOBODYS, "arrival", bucket, key)], round(interval_s * 1e6))
