"""How much runs may have on record, and what is said where there is no room."""

from dataclasses import dataclass, replace

from tools.errors import ToolError
from tools.operation import Failure
from tools.quotas import MB

_HINT = (
    "runs are forgotten {days} days after their end, or sooner where the configuration says so (retention.runs_days): wait for that, "
    "and have steps keep what is large elsewhere and give its id"
)


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


class RunsFull(ToolError):
    """A tenant's runs, or those of one person, have as much on record as they may: nothing was written."""

    def __init__(self, most_bytes: int, *, of_person: bool) -> None:
        whose = "that act for one person" if of_person else "of the whole tenant"
        message = f"runs {whose} have {most_bytes // MB:,} MB on record, of what they were given and gave, which is the quota"
        super().__init__(Failure("quota_exceeded", message, hint=_HINT.format(days=30)))
