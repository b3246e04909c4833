"""How much runs may have on record."""

from dataclasses import dataclass, replace

from tools.quotas import MB

#: a result of so few bytes is taken though all is full: runs that keep little go on, wait and end
SMALL_BYTES = 1_000


@dataclass(frozen=True, slots=True)
class RunQuotas:
    """Bytes: what runs were given, what they, their steps and their signals gave, until they are forgotten."""

    tenant_bytes: int = 2_000 * MB
    #: of runs that act for one person, who leaves room for colleagues, schedules and webhooks
    person_bytes: int = 1_000 * MB
    #: of one run: signals that it has not taken yet
    unread_signals: int = 1_000

    def scaled(self, scale: float) -> "RunQuotas":
        """Return `scale` times as many bytes."""
        return replace(self, tenant_bytes=round(self.tenant_bytes * scale), person_bytes=round(self.person_bytes * scale))


RUN_QUOTAS = RunQuotas()
