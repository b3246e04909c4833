"""What webhooks must remember: how they are configured, and what came."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tools.workflows.webhooks.webhook import Webhook


class WebhookStore(Protocol):
    """Every change is announced in its own transaction."""

    async def put(self, tenant_id: str, webhooks: Sequence[Webhook]) -> None:
        """Add these, each in place of the one of its source. Raises WorkflowRefused (quota_exceeded): then none is."""
        ...

    async def remove(self, tenant_id: str, source: str) -> bool:
        """Remove one; what it received stays until its time. False: there is none."""
        ...

    async def of_tenant(self, tenant_id: str) -> Sequence[Webhook]: ...

    async def load(self) -> Sequence[Webhook]:
        """Return those of all tenants, for the snapshot of a process."""
        ...


@dataclass(frozen=True, slots=True)
class Arrival:
    """A genuine event that is to be kept.

    `event_mark`: what makes it the same one; `content_mark`: so does this, where its id is not signed. `lasting_mark`: what was signed,
    where its time was not: it is never taken a second time.
    """

    webhook: Webhook
    event_id: str
    kind: str
    event_mark: str
    content_mark: str | None
    media_type: str
    body: bytes = field(repr=False)
    lasting_mark: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came once. `run_id`: of the newest run that it started; `body_bytes` 0: its body is gone."""

    tenant_id: str
    delivery_id: str
    source: str
    event_id: str
    kind: str
    received_at_us: int
    body_bytes: int
    replays: int
    run_id: str


@dataclass(frozen=True, slots=True)
class Received:
    """What became of an arrival; `is_new` False: it had come before, and this is what it was then, as far as it is known."""

    delivery: Delivery
    is_new: bool


@dataclass(frozen=True, slots=True)
class KeptBody:
    media_type: str
    body: bytes = field(repr=False)


class DeliveryStore(Protocol):
    async def receive(self, arrival: Arrival) -> Received:
        """Keep an event and start its run, in one durable transaction; of all that bring the same event, at any node, one is new.

        Raises WorkflowRefused (quota_exceeded) where the tenant has too much waiting.
        """
        ...

    async def replay(self, tenant_id: str, delivery_id: str) -> str | None:
        """Start another run of a delivery whose body is kept, and return its id; None: there is no such delivery, or no body."""
        ...

    async def body(self, tenant_id: str, delivery_id: str) -> KeptBody | None:
        """Return what came; None: never, or its time is over."""
        ...

    async def deliveries(
        self, tenant_id: str | None, *, source: str | None = None, limit: int = 50, after: tuple[int, str] | None = None, since_us: int = 0
    ) -> Sequence[Delivery]:
        """Return what came since, newest first; tenant None: of all, for operators.

        after: time and id of the last one of the page before.
        """
        ...

    async def forget_old(self, bodies_before_us: int = 0) -> None:
        """Delete bodies and events whose time is over, of all tenants; bodies that came before `bodies_before_us` too."""
        ...
