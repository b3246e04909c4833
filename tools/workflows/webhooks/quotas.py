"""How much of webhooks a tenant may have: how many, and how much that came and is kept for its runs."""

from dataclasses import dataclass, field, replace

from tools.quotas import MB, Quota


@dataclass(frozen=True, slots=True)
class WebhookQuotas:
    webhooks: int = 50
    #: deliveries whose body is kept
    kept: Quota = field(default_factory=lambda: Quota(10_000, 256 * MB))
    #: of one source whose sender signs no time: what was signed, of which the newest are never taken again
    seen: int = 50_000

    def scaled(self, scale: float) -> "WebhookQuotas":
        """Return `scale` times as much."""
        return replace(self, webhooks=max(1, round(self.webhooks * scale)), kept=self.kept.scaled(scale), seen=round(self.seen * scale))


WEBHOOKS = WebhookQuotas()
