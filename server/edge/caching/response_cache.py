"""Answers that are kept for a while, in the memory of each process; bounded in bytes, by use."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from server.edge.caching.rules import Kept, Key, asks
from server.request_scope import Headers
from tools.weighed_cache import WeighedCache

MAX_BYTES: Final = 64 << 20
MAX_BODY_BYTES: Final = 1 << 20
#: of one address; whoever sends ever new values of a field that it varies by pushes out only that
MAX_VARIANTS: Final = 8
MAX_CHANGED: Final = 10_000


class ResponseCache:
    def __init__(self, max_bytes: int = MAX_BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept = WeighedCache[Key, tuple[Kept, ...]](max_bytes)
        #: when an address was written to, the last one last; and for those that are forgotten here, all are taken to be written to then
        self._changed: OrderedDict[tuple[str, bytes, bytes], float] = OrderedDict()
        self._changed_before = float("-inf")
        #: somebody asks for a newer one already
        self.renewing: set[Key] = set()

    @property
    def total_bytes(self) -> int:
        return self._kept.total_bytes

    def find(self, key: Key, headers: Headers) -> tuple[Kept, float, bool] | None:
        """Return an answer that may be given out, its age in seconds, and whether it is fresh; None where a backend has to be asked."""
        variants = self._kept.get(key)
        if variants is None:
            return None
        now, asked = self._clock(), asks(headers)
        # RFC 9111 §5.2.1: who wants it new gets it new. Pragma is what HTTP/1.0 had for it (§5.4).
        if "no-cache" in asked or (not asked and any(name == b"pragma" and b"no-cache" in value for name, value in headers)):
            return None
        changed_at = self._changed.get((key[0], key[2], key[3]), self._changed_before)
        for kept in variants:
            if kept.kept_at > changed_at and kept.fits(headers) and kept.is_usable(now):
                age_s = kept.age_at(now)
                most = asked.get("max-age", "")
                if most.isdigit() and age_s > int(most[:10]):
                    return None
                return kept, age_s, kept.is_fresh(now)
        return None

    def keep(self, key: Key, kept: Kept, body: bytes) -> None:
        """Keep an answer in place of that to the same request."""
        now = self._clock()
        others = [each for each in self._kept.get(key) or () if each.is_usable(now) and each.variant != kept.variant]
        variants = (replace(kept, body=body), *others)[:MAX_VARIANTS]
        weight = sum(len(each.body) + sum(len(name) + len(value) + 100 for name, value in each.fields) for each in variants)
        self._kept.put(key, variants, weight + len(key[2]) + len(key[3]))

    def clear(self) -> None:
        """Forget everything, also what is asked for now and comes later: another server may answer from now on."""
        self._kept.clear()
        self._changed.clear()
        self._changed_before = self._clock()
        # A set of its own: what is asked for now takes itself out of the old one.
        self.renewing = set()

    def forget(self, route: str, path: bytes, query: bytes) -> None:
        """Give out nothing any more that was asked for before an unsafe request changed it (RFC 9111 §4.4), to anybody."""
        self._changed.pop((route, path, query), None)
        self._changed[route, path, query] = self._clock()
        if len(self._changed) > MAX_CHANGED:
            self._changed_before = self._changed.popitem(last=False)[1]
