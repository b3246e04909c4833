"""Who makes way where every place is taken: a run may last for days, and nobody's start may wait for that."""

import time
from collections import Counter
from collections.abc import Collection, Mapping

from tools.workflows.engine.activity import Activity
from tools.workflows.engine.records import Claim

#: a run that was taken may go on for so long before it makes way, whoever waits: what it has on record is read anew each time
SLICE_S = 5.0


def make_way(held: Mapping[tuple[str, str], tuple[Claim, Activity]], waiting: Collection[str], slice_s: float) -> None:
    """Have as many runs stop before their next step as tenants wait that have none in hand; they go on when it is their turn again.

    Of tenants that have most in hand, those first that were taken longest ago.
    """
    going_on = [(claim.tenant_id, activity) for claim, activity in held.values() if activity.why is None]
    has_some = {tenant_id for tenant_id, _run_id in held}
    wanted = len(set(waiting) - has_some) - (len(held) - len(going_on))
    busy, long_ago = Counter(tenant_id for tenant_id, _activity in going_on), time.monotonic() - slice_s
    may = [(tenant_id, activity) for tenant_id, activity in going_on if activity.taken_at <= long_ago]
    while wanted > 0 and may:
        chosen = min(may, key=lambda each: (-busy[each[0]], each[1].taken_at))
        may.remove(chosen)
        tenant_id, activity = chosen
        busy[tenant_id] -= 1
        wanted -= 1
        activity.stop("making_way")
