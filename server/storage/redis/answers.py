"""Answers that all nodes keep together: sealed, bounded, gone by themselves; a group is forgotten by counting its generation up."""

import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from server.storage.redis.link import RedisAway, RedisLink, Script
from server.storage.redis.names import RedisNames
from tools.shared_answers import SharedAnswer

#: of one value, as it is written
MAX_VALUE_BYTES = 512 << 10
MAX_AGE_S = 24 * 3600.0
#: A generation outlives whatever was kept under it, or what was forgotten would be found again.
GENERATION_MS = int(2 * MAX_AGE_S * 1_000)
#: groups to be forgotten as soon as somebody answers; beyond that nothing is found until all that is kept has ended
MAX_OWED = 10_000
_SHORT_BYTES = 1_024

#: KEYS: generation, value. Returns both.
_FIND = """
local generation = redis.call('GET', KEYS[1])
return {tonumber(generation or 0), redis.call('GET', KEYS[2]) or false}
"""
#: KEYS: generation, value. ARGV: generation, value, milliseconds
_KEEP = """
if tonumber(redis.call('GET', KEYS[1]) or 0) ~= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return 1
"""
#: KEYS: generations. ARGV: milliseconds. A generation that was lost starts by the clock: it never was before.
_FORGET = """
for _, key in ipairs(KEYS) do
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  local generation = math.max(tonumber(redis.call('GET', key) or 0) + 1, now)
  redis.call('SET', key, string.format('%.0f', generation), 'PX', ARGV[1])
end
return 0
"""


@dataclass(slots=True)
class RedisAnswers:
    """`SharedAnswers` of the tools."""

    link: RedisLink
    names: RedisNames
    _find: Script
    _keep: Script
    _forget: Script
    clock: Callable[[], float] = time.monotonic
    #: names of generations that nobody was there to count up
    _owed: set[str] = field(default_factory=set)
    _blind_until: float = 0.0

    @classmethod
    def on(cls, link: RedisLink, names: RedisNames) -> "RedisAnswers":
        return cls(link, names, link.script(_FIND), link.script(_KEEP), link.script(_FORGET))

    async def find(self, tenant_id: str, group: str, key: bytes) -> SharedAnswer | None:
        place, name = self._places(tenant_id, group, key)
        try:
            await self.pay()
            generation, box = await self.link.ask(self._find, [place, name])
        except RedisAway:
            return None
        if self._blind_until and self.clock() < self._blind_until:
            return None
        value = self._opened(name, int(generation), box) if box else None
        return SharedAnswer(int(generation), value)

    def keep(self, tenant_id: str, group: str, key: bytes, value: bytes, age_s: float, generation: int) -> None:
        place, name = self._places(tenant_id, group, key)
        if len(value) > 8 * MAX_VALUE_BYTES or (age_ms := int(min(age_s, MAX_AGE_S) * 1_000)) <= 0:
            return
        packed = zlib.compress(value, 1) if len(value) > _SHORT_BYTES else value
        if len(packed) <= MAX_VALUE_BYTES:
            box = self.names.sealed(self._seal_of(name, generation), (b"z" if packed is not value else b"r") + packed)
            self.link.later(self._keep, [place, name], generation, box, age_ms)

    async def forget(self, tenant_id: str, group: str) -> None:
        place = self.names.of(tenant_id, "generation", group)
        try:
            await self.link.ask(self._forget, [place], GENERATION_MS)
        except RedisAway:
            self._owe(place)
        except BaseException:
            # Whoever wrote was cancelled, and what they asked goes with them: the others are told all the same.
            self._owe(place)
            self.link.later(self._forget, [place], GENERATION_MS)
            raise

    async def pay(self) -> None:
        """Forget what was to be forgotten while nobody was there. Raises RedisAway: until it is done nothing is found."""
        while self._owed and self.link.is_there:
            part = list(self._owed)[:100]
            await self.link.ask(self._forget, part, GENERATION_MS)
            self._owed.difference_update(part)

    def _owe(self, place: str) -> None:
        # It may have been done all the same; twice forgets no more than once.
        self._owed.add(place)
        if len(self._owed) > MAX_OWED:
            self._owed.clear()
            self._blind_until = self.clock() + MAX_AGE_S

    def _opened(self, name: str, generation: int, box: bytes) -> bytes | None:
        opened = self.names.opened(self._seal_of(name, generation), box)
        if opened is None:
            return None
        return zlib.decompress(opened[1:]) if opened[:1] == b"z" else opened[1:]

    def _seal_of(self, name: str, generation: int) -> str:
        # What was kept under an earlier generation does not open; nor what a restart brought back from a disk, where groups may stand
        # that were forgotten since.
        return f"{name}:{generation}:{self.link.run_id}"

    def _places(self, tenant_id: str, group: str, key: bytes) -> tuple[str, str]:
        return self.names.of(tenant_id, "generation", group), self.names.of(tenant_id, "answer", group, key)
