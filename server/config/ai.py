"""Settings: the AI gateway, beside what `ascend ai apply` configures."""

from dataclasses import dataclass
from typing import ClassVar

from server.config.setting import setting
from server.config.value_kinds import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class AiSettings:
    """Model calls."""

    title: ClassVar[str] = "AI gateway"

    ai_model: str = setting(
        "ASCEND_AI_MODEL",
        Text("a model (`provider/id`) or a route"),
        "",
        "answers requests that name no model, before the tenant's and the configuration's default",
        guide="ai-configuration.md#routes",
    )
