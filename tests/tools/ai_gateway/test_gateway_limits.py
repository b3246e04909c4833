"""The limits in force: the file's, and each gateway's own rate."""

from tools.ai_gateway.configuration.config import AiConfig, GatewayResource
from tools.ai_gateway.gateway_limits import LimitRules
from tools.metering.rules import LimitRule, Selector


def test_a_gateway_has_a_rate_of_its_own() -> None:
    """Contract: [gateways.agents] requests_per_min."""
    line = LimitRule(Selector(key="*"), "hour", requests=100)
    gateways = {("acme", "agents"): GatewayResource("agents", "acme", 3), ("acme", "free"): GatewayResource("free", "acme")}
    configs = [AiConfig(gateways=gateways, limits=(line,)), AiConfig()]
    rules = LimitRules(lambda: configs[0])
    assert rules() == (line, LimitRule(Selector(tenant="acme", gateway="agents"), "minute", requests=3))
    assert rules() is rules()
    configs.pop(0)
    assert rules() == ()
