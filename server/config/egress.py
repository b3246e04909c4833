"""Settings: what may be called outside."""

from dataclasses import dataclass
from typing import ClassVar

from server.config.setting import setting
from server.config.value_kinds import HOSTS_AND_PORTS


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressSettings:
    """What may be called although it is private."""

    title: ClassVar[str] = "The way out"

    egress_allow: tuple[str, ...] = setting(
        "ASCEND_EGRESS_ALLOW",
        HOSTS_AND_PORTS,
        (),
        'private addresses that may be called; in the file: `egress_allow = ["crm.internal:8443"]`',
        unset="none; commands beside it look at what the last `serve` let through",
        guide="importing.md",
    )
