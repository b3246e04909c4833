"""What goes wrong with calls at the Gong stand-in. `…_every`: each n-th call, 0 none."""

from dataclasses import dataclass

from server.demo.stand_ins.faults import StandInFaults

HOUR_S = 3600


@dataclass(slots=True)
class GongFaults(StandInFaults):
    #: transcripts that come so much later than others
    late_every: int = 0
    late_s: int = 16 * HOUR_S
    #: details that lack a call so many times it is asked for
    details_missing_every: int = 0
    details_missing: int = 2
    #: details without parties
    parties_missing_every: int = 0
    #: processed anew, so long after its start: another title, another transcript
    changed_every: int = 0
    changed_after_s: int = 8 * HOUR_S
    #: made private after its start
    hidden_every: int = 0
    hidden_after_s: int = 9 * HOUR_S
    #: deleted, so long after its start
    deleted_every: int = 0
    deleted_after_s: int = 10 * HOUR_S
    #: so many next cursors are over when they come back; others live an hour after their first page
    expired_cursors: int = 0
    cursor_ttl_s: int = HOUR_S
