"""Rate limits by the generic cell rate algorithm (GCRA): per address, client and subject.

Each process counts for itself in memory: behind N replicas a caller gets at most N times the limit, unless they share (ASCEND_REDIS_URL).
"""

import hashlib
import ipaddress
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

#: keys remembered at most, over all buckets; the longest idle ones go first
MAX_KEYS = 100_000


@dataclass(frozen=True, slots=True)
class Limit:
    """`burst` at once, then `per_minute`."""

    per_minute: float
    burst: int


#: bucket -> its limit before ASCEND_RATE_LIMIT_SCALE
LIMITS: Mapping[str, Limit] = {
    # A guess costs one of each; a right sign-in gives them back.
    "login_address": Limit(20, 40),
    "login_subject_address": Limit(5, 10),
    # Across all addresses, only for browsers that this subject has not signed in with before: nobody can be locked out.
    "login_subject": Limit(10, 100),
    # The browsers that they have: by themselves, whatever comes from the same address.
    "login_known_browser": Limit(5, 10),
    # What one account still has at an address of many people where somebody uses up `login_address`.
    "login_subject_crowd": Limit(1, 3),
    # Nothing here can be guessed: passkeys, sign-in elsewhere, links.
    "way_in_address": Limit(120, 240),
    "password_change": Limit(5, 10),
    "authorize_address": Limit(120, 300),
    "register_address": Limit(1, 20),
    # Of the whole gateway: above it, whoever registered much is held up, and newcomers are let in.
    "register": Limit(10, 200),
    "register_newcomer": Limit(0.1, 2),
    "register_network": Limit(2, 50),
    "push_address": Limit(120, 300),
    "token_address": Limit(600, 300),
    "token_client": Limit(600, 300),
    "introspect_client": Limit(6000, 1000),
    "device_address": Limit(10, 20),
    "device_begin_address": Limit(10, 20),
    "page_address": Limit(240, 240),
    # What is left at an address of many people where somebody uses up the limit of the address: to a browser,
    "page_crowd": Limit(30, 60),
    "way_in_crowd": Limit(10, 20),
    "authorize_crowd": Limit(10, 30),
    # to a piece of software, and to whoever holds one code, token or secret.
    "register_crowd": Limit(1, 5),
    "push_crowd": Limit(10, 30),
    "device_begin_crowd": Limit(2, 5),
    "token_crowd": Limit(30, 30),
    # Signed events of one webhook's source.
    "hook_source": Limit(1_200, 600),
    # Of one person or machine, over all of `/admin/api`.
    "admin_principal": Limit(600, 300),
    # Browsers and software are what somebody says they are: what is kept for them has a bound in all.
    "crowds": Limit(1_200, 1_200),
}
#: what leaves a row in the store for whoever asks
KEPT_FOR_ANYBODY = frozenset({"page", "way_in", "authorize", "register", "push", "device_begin"})


#: bucket, key
Place = tuple[str, str]

MAX_KEY_CHARS = 200


class RateLimited(Exception):
    """The limit of `bucket` is used up; `retry_after_s` is when the next one fits."""

    def __init__(self, bucket: str, retry_after_s: float, standing: "Standing") -> None:
        super().__init__(f"{bucket}: too many requests; wait {retry_after_s:.0f} s")
        self.bucket = bucket
        self.retry_after_s = retry_after_s
        self.standing = standing


@dataclass(frozen=True, slots=True)
class Standing:
    """What a key has of a limit: `left` of the `quota` that a window of `window_s` has, whole again in `full_in_s`."""

    quota: int
    left: int
    window_s: int
    full_in_s: int

    def headers(self, policy: str) -> dict[str, str]:
        """Return what its caller is told (draft-ietf-httpapi-ratelimit-headers-11)."""
        return {
            "ratelimit-policy": f'"{policy}";q={self.quota};w={self.window_s}',
            "ratelimit": f'"{policy}";r={self.left};t={self.full_in_s}',
        }


class Taken(NamedTuple):
    """`wait_s` 0: it was taken; else nothing was. `used_s`: until the limit is whole again."""

    wait_s: float
    used_s: float


class SharedArrivals(Protocol):
    """The same numbers, kept where every process takes from them."""

    async def take(self, bucket: str, key: str, interval_s: float, tolerance_s: float) -> Taken | None:
        """Take one, atomically for all processes. None: nobody knows, and whoever asks goes by its own count."""
        ...

    def give_back(self, bucket: str, key: str, interval_s: float) -> None:
        """Return one that `take` took; nobody waits for it."""
        ...


class RateLimits:
    """For each key one number: the theoretical arrival time of the next conforming request.

    With `shared` all processes take from one count. What this process alone has used up needs no asking there, and while nobody answers
    its own count goes on.
    """

    def __init__(
        self,
        *,
        scale: float = 1.0,
        limits: Mapping[str, Limit] = LIMITS,
        shared: SharedArrivals | None = None,
        clock: Callable[[], float] = time.monotonic,
        max_keys: int = MAX_KEYS,
    ) -> None:
        self._scale, self._shared = scale, shared
        self._interval_s: dict[str, float] = {}
        self._tolerance_s: dict[str, float] = {}
        self.change(limits)
        self._clock = clock
        self._max_keys = max_keys
        #: (bucket, key) -> theoretical arrival time; insertion order is order of last use
        self._arrivals: dict[tuple[str, str], float] = {}

    def change(self, limits: Mapping[str, Limit]) -> None:
        """Count by these limits from now on; what was taken until now counts."""
        self._interval_s = {name: 60.0 / (limit.per_minute * self._scale) for name, limit in limits.items()}
        # Scaling the burst too keeps "N at once" in proportion.
        self._tolerance_s = {name: self._interval_s[name] * max(1.0, limit.burst * self._scale) for name, limit in limits.items()}

    async def check(self, bucket: str, key: str) -> Standing:
        """Take one from `bucket` for `key`; return what is left by the count that decided. Raises RateLimited, and then takes nothing."""
        now = self._clock()
        place = _place(bucket, key)
        arrival = max(now, self._arrivals.pop(place, now)) + self._interval_s[bucket]
        wait_s = arrival - now - self._tolerance_s[bucket]
        if wait_s > 1e-9:
            self._arrivals[place] = arrival - self._interval_s[bucket]
            raise RateLimited(bucket, wait_s, self._standing(bucket, arrival - self._interval_s[bucket] - now))
        self._arrivals[place] = arrival
        if len(self._arrivals) > self._max_keys:
            self._forget(now)
        if self._shared is not None:
            taken = await self._shared.take(*place, self._interval_s[bucket], self._tolerance_s[bucket])
            if taken is not None:
                if taken.wait_s:
                    self._give_back_here(place)
                    raise RateLimited(bucket, taken.wait_s, self._standing(bucket, taken.used_s))
                return self._standing(bucket, taken.used_s)
        return self._standing(bucket, arrival - now)

    def _standing(self, bucket: str, used_s: float) -> Standing:
        interval_s, tolerance_s = self._interval_s[bucket], self._tolerance_s[bucket]
        left = math.floor((tolerance_s - used_s) / interval_s + 1e-9)
        return Standing(round(tolerance_s / interval_s), max(0, left), math.ceil(tolerance_s), math.ceil(used_s))

    def give_back(self, bucket: str, key: str) -> None:
        """Return one that `check` took: the request turned out to be a right one."""
        place = _place(bucket, key)
        self._give_back_here(place)
        if self._shared is not None:
            self._shared.give_back(*place, self._interval_s[bucket])

    async def check_shared(self, shared: Place, own: Place) -> Place:
        """Take one from `shared`, or where many use that up, from what `own` still has; return which it was.

        So a limit that many share holds up those who use most of it, and never closes for newcomers. Raises RateLimited.
        """
        try:
            await self.check(*shared)
        except RateLimited:
            await self.check(*own)
            return own
        return shared

    async def check_address(self, what: str, address: str, own: str) -> Place:
        """Take one from `what`_address for an `address_key`, and return what was taken. Raises RateLimited.

        An address behind which many may stand is no identity: where it is used up there, `own` still has `what`_crowd.
        """
        at_address = (f"{what}_address", address)
        if not is_shared(address):
            await self.check(*at_address)
            return at_address
        taken = await self.check_shared(at_address, (f"{what}_crowd", own))
        if taken != at_address and what in KEPT_FOR_ANYBODY:
            await self.check("crowds", what)
        return taken

    def __len__(self) -> int:
        return len(self._arrivals)

    def _give_back_here(self, place: Place) -> None:
        if place in self._arrivals:
            self._arrivals[place] -= self._interval_s[place[0]]

    def _forget(self, now: float) -> None:
        # What is in the past has no effect; if that frees too little, the longest unused go.
        self._arrivals = {place: arrival for place, arrival in self._arrivals.items() if arrival > now}
        for place in list(self._arrivals)[: max(0, len(self._arrivals) - self._max_keys * 9 // 10)]:
            del self._arrivals[place]


def _place(bucket: str, key: str) -> Place:
    """Return where to count; of keys that are anybody's text as much is kept as of any other."""
    return bucket, key if len(key) <= MAX_KEY_CHARS else hashlib.sha256(key.encode(errors="replace")).hexdigest()


def network_key(address: str) -> str | None:
    """Return the /48 of an IPv6 `address_key`, which is what one site is given; None for IPv4, where an address is dear."""
    return str(ipaddress.ip_network(address).supernet(new_prefix=48)) if ":" in address else None


def is_shared(address: str) -> bool:
    """Say whether many people may stand behind an `address_key`: one that is not public is a proxy's that nobody declared, or a
    network's own."""
    try:
        return not ipaddress.ip_network(address).is_global
    except ValueError:
        return True


def address_key(address: str | None) -> str:
    """Return what counts as one caller: an IPv4 address, or the /64 of an IPv6 address, which is what one host is given."""
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
