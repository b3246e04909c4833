"""Whole answers and streams, kept in memory: by tenant, weighed by what they hold, for as long as route or caller says."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from tools.ai_gateway.routing.decision import ModelTarget
from tools.ai_gateway.token_usage import TokenUsage
from tools.weighed_cache import WeighedCache

#: one tenant pushes out its own answers, never another's
MAX_BYTES_PER_TENANT = 16 << 20
MAX_TENANTS = 8
#: as Cloudflare has it
MAX_AGE_S = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer in the dialect of its surface: whole, or as the events of a stream without their terminal mark."""

    target: ModelTarget
    usage: TokenUsage
    expires_at: float
    whole: bytes | None = field(default=None, repr=False)
    events: bytes | None = field(default=None, repr=False)
    terminal: bytes = field(default=b"", repr=False)
    #: the events tell the usage
    tells_usage: bool = False
    content_type: str = "application/json"

    def serves(self, *, is_stream: bool, wants_usage: bool) -> bool:
        """Say whether it can be given as it is asked for: a whole answer either way, a stream's events as such a stream."""
        return self.whole is not None or (is_stream and self.events is not None and self.tells_usage == wants_usage)

    @property
    def weight_bytes(self) -> int:
        return len(self.whole or b"") + len(self.events or b"") + 500


class KeptAnswers:
    """What this process keeps. A key is looked up in its tenant's part only."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        #: the tenant that was used longest ago stands first
        self._by_tenant: OrderedDict[str, WeighedCache[bytes, KeptAnswer]] = OrderedDict()

    def get(self, tenant_id: str, key: bytes) -> KeptAnswer | None:
        """Return what is kept and still good."""
        part = self._by_tenant.get(tenant_id)
        if part is None or (kept := part.get(key)) is None:
            return None
        if kept.expires_at <= self._clock():
            part.pop(key)
            return None
        self._by_tenant.move_to_end(tenant_id)
        return kept

    def put(self, tenant_id: str, key: bytes, kept: KeptAnswer) -> None:
        """Keep an answer until it expires, or others of its tenant push it out."""
        part = self._by_tenant.get(tenant_id)
        if part is None:
            part = self._by_tenant[tenant_id] = WeighedCache(MAX_BYTES_PER_TENANT)
            if len(self._by_tenant) > MAX_TENANTS:
                self._by_tenant.popitem(last=False)
        self._by_tenant.move_to_end(tenant_id)
        part.put(key, kept, kept.weight_bytes)

    def expires_at(self, age_s: float) -> float:
        """Return when something kept now for `age_s` ends."""
        return self._clock() + min(age_s, MAX_AGE_S)
