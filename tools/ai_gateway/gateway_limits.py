"""The limits in force: those of the file, and one for each gateway that has a rate of its own."""

from collections.abc import Callable

from tools.ai_gateway.configuration.config import AiConfig
from tools.metering.rules import LimitRule, Selector


class LimitRules:
    """Called by `Limits`; the same tuple as long as the configuration is the same."""

    def __init__(self, config: Callable[[], AiConfig]) -> None:
        self._config = config
        self._of: AiConfig | None = None
        self._rules: tuple[LimitRule, ...] = ()

    def __call__(self) -> tuple[LimitRule, ...]:
        config = self._config()
        if config is not self._of:
            of_gateways = tuple(
                LimitRule(Selector(tenant=gateway.tenant_id, gateway=gateway.id), "minute", gateway.requests_per_min)
                for gateway in config.gateways.values()
                if gateway.requests_per_min is not None
            )
            self._of, self._rules = config, (*config.limits, *of_gateways)
        return self._rules
