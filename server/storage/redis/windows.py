"""Limits of the AI gateway that all nodes take from together: the twelfths of each window as one hash, by the clock of Redis."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.storage.redis.link import RedisAway, RedisLink, Script
from server.storage.redis.names import RedisNames
from tools.metering.shared_windows import SharedPlace, SharedTake
from tools.metering.sliding_window import PARTS, Part, SlidingWindow

#: KEYS: a hash for each window: number of the part -> requests, and t + number -> tokens. ARGV: parts of a window, tokens of the call,
#: then for each window the length of a part in microseconds, the most requests and the most tokens (-1: as many as come).
#: Returns taken or not, now in microseconds, and for each window its parts: number, requests, tokens.
_TAKE = """
local parts, tokens = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local taken, windows = 1, {}
for i, key in ipairs(KEYS) do
  local length, requests_max, tokens_max = tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2])
  local number = math.floor(now / length)
  local found, fields = {}, redis.call('HGETALL', key)
  local requests_used, tokens_used = 0, 0
  for j = 1, #fields, 2 do
    local name = fields[j]
    local is_tokens = string.sub(name, 1, 1) == 't'
    local of = tonumber(is_tokens and string.sub(name, 2) or name)
    if of <= number - parts then
      redis.call('HDEL', key, name)
    else
      local value = tonumber(fields[j + 1])
      found[of] = found[of] or {0, 0}
      if is_tokens then found[of][2] = value; tokens_used = tokens_used + value
      else found[of][1] = value; requests_used = requests_used + value end
    end
  end
  if requests_max >= 0 and requests_used + 1 > requests_max then taken = 0 end
  if tokens_max >= 0 and tokens_used + math.min(tokens, tokens_max) > tokens_max then taken = 0 end
  windows[i] = {number, found, length}
end
local answer = {taken, string.format('%.0f', now)}
for i, key in ipairs(KEYS) do
  local number, found, length = windows[i][1], windows[i][2], windows[i][3]
  if taken == 1 then
    found[number] = found[number] or {0, 0}
    found[number] = {found[number][1] + 1, found[number][2] + tokens}
    local name = string.format('%.0f', number)
    redis.call('HINCRBY', key, name, 1)
    redis.call('HINCRBY', key, 't' .. name, tokens)
    redis.call('PEXPIRE', key, math.ceil(length * (parts + 1) / 1000))
  end
  local rows = {}
  for of, used in pairs(found) do
    rows[#rows + 1] = string.format('%.0f', of); rows[#rows + 1] = used[1]; rows[#rows + 1] = used[2]
  end
  answer[#answer + 1] = rows
end
return answer
"""
#: KEYS: the hashes. ARGV: tokens, then for each window the number of the part. What has left the window is not made again.
_CORRECT = """
for i, key in ipairs(KEYS) do
  if redis.call('HEXISTS', key, ARGV[i + 1]) == 1 then redis.call('HINCRBY', key, 't' .. ARGV[i + 1], ARGV[1]) end
end
return 0
"""


@dataclass(slots=True)
class RedisWindows:
    """`SharedWindows` of the tools. A rule that is changed is another rule, and counts anew."""

    link: RedisLink
    names: RedisNames
    _take: Script
    _correct: Script

    @classmethod
    def on(cls, link: RedisLink, names: RedisNames) -> "RedisWindows":
        return cls(link, names, link.script(_TAKE), link.script(_CORRECT))

    async def take(self, places: Sequence[SharedPlace], tokens: int) -> SharedTake | None:
        given: list[int] = [PARTS, tokens]
        for place in places:
            most = (place.rule.requests, place.rule.tokens)
            given += [_part_us(place), *(-1 if each is None else each for each in most)]
        try:
            is_taken, now_us, *rows = await self.link.ask(self._take, [self._name(place) for place in places], *given)
        except RedisAway:
            return None
        windows = tuple(_window(place, row) for place, row in zip(places, rows, strict=True))
        return SharedTake(bool(is_taken), int(now_us) / 1e6, windows, tuple(places))

    def correct(self, take: SharedTake, more_tokens: int) -> None:
        numbers = [str(int(take.now * 1e6) // _part_us(place)) for place in take.places]
        self.link.later(self._correct, [self._name(place) for place in take.places], more_tokens, *numbers)

    def _name(self, place: SharedPlace) -> str:
        return self.names.of(place.tenant_id, "window", repr(place.rule), place.whose)


def _part_us(place: SharedPlace) -> int:
    return place.length_s * 1_000_000 // PARTS


def _window(place: SharedPlace, row: Sequence[bytes | int]) -> SlidingWindow:
    parts = []
    figures = [int(each) for each in row]
    for number, requests, tokens in sorted(zip(figures[::3], figures[1::3], figures[2::3], strict=True)):
        parts.append(part := Part(number))
        part.requests, part.tokens = requests, tokens
    return SlidingWindow.of(place.length_s, parts)
