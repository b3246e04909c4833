"""Every rule there is."""

from collections.abc import Mapping

from server.alerts.rule import RuleKind
from server.alerts.rules.backup_old import BackupOld
from server.alerts.rules.budget import Budget
from server.alerts.rules.calls_dropped import CallsDropped
from server.alerts.rules.dependency_down import DependencyDown
from server.alerts.rules.disk import Disk
from server.alerts.rules.drill_failed import DrillFailed
from server.alerts.rules.ending import EndingSoon
from server.alerts.rules.error_rate import ErrorRate
from server.alerts.rules.fallback import Fallback
from server.alerts.rules.held_tools import HeldTools
from server.alerts.rules.job_late import JobLate
from server.alerts.rules.overhead import Overhead
from server.alerts.rules.refresh_failing import RefreshFailing
from server.alerts.rules.role_changed import RoleChanged
from server.alerts.rules.rotation import Rotation
from server.alerts.rules.sign_in_burst import SignInBurst
from server.alerts.rules.sink_behind import SinkBehind
from server.alerts.rules.store_down import StoreDown

#: in the order in which they are told of; one that mutes others is first
KINDS: Mapping[str, RuleKind] = {
    each.kind.name: each.kind
    for each in (
        StoreDown,
        CallsDropped,
        ErrorRate,
        Overhead,
        DependencyDown,
        RefreshFailing,
        JobLate,
        BackupOld,
        DrillFailed,
        SinkBehind,
        Disk,
        EndingSoon,
        Rotation,
        Budget,
        Fallback,
        SignInBurst,
        RoleChanged,
        HeldTools,
    )
}
