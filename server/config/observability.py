"""Settings: what operators see, and which operators."""

from dataclasses import dataclass
from typing import ClassVar

from server.config.setting import setting
from server.config.value_kinds import NETWORKS, Choice, Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservabilitySettings:
    """The log, and who may read the metrics."""

    title: ClassVar[str] = "Logs and metrics"

    log_format: str = setting("ASCEND_LOG_FORMAT", Choice(("text", "json")), "text", "how the log is written", guide="operations.md#logs")
    admin_allow: tuple[str, ...] = setting(
        "ASCEND_ADMIN_ALLOW",
        NETWORKS,
        (),
        "who may open `/admin` and read `/metrics`",
        unset="`/admin` everybody, `/metrics` this machine",
        guide="console.md",
    )
    metrics_token: str = setting(
        "ASCEND_METRICS_TOKEN", Secret(), "", "who presents it (`Authorization: Bearer …`) may read `/metrics` from anywhere"
    )
