"""Settings: how many processes answer."""

from dataclasses import dataclass
from typing import ClassVar

from server.config.setting import setting
from server.config.value_kinds import Count

MOST_WORKERS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSettings:
    """The processes of one gateway."""

    title: ClassVar[str] = "Processes"

    workers: int = setting(
        "ASCEND_WORKERS",
        Count(MOST_WORKERS),
        1,
        "how many processes answer requests on this machine; more than one are watched by another, which starts anew what ends",
        guide="workers.md",
        option="--workers",
    )
