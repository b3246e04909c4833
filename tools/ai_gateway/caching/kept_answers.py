"""Whole answers and streams, kept in memory: by tenant, weighed by what they hold, for as long as route or caller says."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tools.ai_gateway.routing.decision import ModelTarget
from tools.ai_gateway.token_usage import TokenUsage
from tools.weighed_cache import WeighedCache

#: of all tenants together
MAX_BYTES = 32 << 20
MAX_ANSWER_BYTES = 2 << 20
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
    #: the vector of one text, from which something of the text can be told
    is_vector: bool = False

    def serves(self, *, is_stream: bool, wants_usage: bool) -> bool:
        """Say whether it can be given as it is asked for: a whole answer either way, a stream's events as such a stream."""
        return self.whole is not None or (is_stream and self.events is not None and self.tells_usage == wants_usage)

    @property
    def weight_bytes(self) -> int:
        return len(self.whole or b"") + len(self.events or b"") + 500


class KeptAnswers:
    """What this process keeps. A key is looked up in its tenant's part only.

    There is one bound for all. Above it the tenant that holds most loses what it has not used for longest: one alone may have it all, and
    several end with equal parts, whoever asks more.
    """

    def __init__(self, clock: Callable[[], float] = time.time, max_bytes: int = MAX_BYTES) -> None:
        self._clock, self._max_bytes = clock, max_bytes
        self._by_tenant: dict[str, WeighedCache[bytes, KeptAnswer]] = {}
        self.total_bytes = 0

    def get(self, tenant_id: str, key: bytes) -> KeptAnswer | None:
        """Return what is kept and still good."""
        part = self._by_tenant.get(tenant_id)
        if part is None or (kept := part.get(key)) is None:
            return None
        if kept.expires_at <= self._clock():
            before = part.total_bytes
            part.pop(key)
            self._weigh(tenant_id, part, before)
            return None
        return kept

    def put(self, tenant_id: str, key: bytes, kept: KeptAnswer) -> None:
        """Keep an answer until it expires, or others push it out."""
        part = self._by_tenant.get(tenant_id)
        if part is None:
            part = self._by_tenant[tenant_id] = WeighedCache(self._max_bytes, min(MAX_ANSWER_BYTES, self._max_bytes // 8))
        before = part.total_bytes
        part.put(key, kept, kept.weight_bytes)
        self._weigh(tenant_id, part, before)
        while self.total_bytes > self._max_bytes:
            heaviest = max(self._by_tenant, key=lambda each: self._by_tenant[each].total_bytes)
            part = self._by_tenant[heaviest]
            before = part.total_bytes
            part.drop_oldest()
            self._weigh(heaviest, part, before)

    def forget(self, tenant_id: str) -> None:
        """Forget everything of a tenant."""
        if (part := self._by_tenant.pop(tenant_id, None)) is not None:
            self.total_bytes -= part.total_bytes

    def forget_vectors(self, tenant_id: str) -> None:
        """Forget the vectors of a tenant's texts."""
        if (part := self._by_tenant.get(tenant_id)) is not None:
            before = part.total_bytes
            for key, kept in part.items():
                if kept.is_vector:
                    part.pop(key)
            self._weigh(tenant_id, part, before)

    def _weigh(self, tenant_id: str, part: WeighedCache[bytes, KeptAnswer], before: int) -> None:
        """Take in what a part weighs now; who keeps nothing takes no place."""
        self.total_bytes += part.total_bytes - before
        if not len(part):
            self._by_tenant.pop(tenant_id, None)

    def expires_at(self, age_s: float) -> float:
        """Return when something kept now for `age_s` ends."""
        return self._clock() + min(age_s, MAX_AGE_S)
