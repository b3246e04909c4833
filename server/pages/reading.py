"""What is read by itself with a person's account, as pages tell it and have it stopped."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from oauth.connections.errors import ConnectionRefused
from tools.workflows.ingestion.accounts import AT_PROVIDER, Ingestion

if TYPE_CHECKING:
    from tools.workflows.schedules.schedule import Schedule
    from tools.workflows.schedules.setting import Schedules


@dataclass(frozen=True, slots=True)
class ShownReading:
    """`is_theirs`: the account that is read with is this person's, who may stop it; else somebody else's or everybody's."""

    ingestion: Ingestion
    is_stopped: bool
    is_theirs: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """`schedules`: of a tenant; loaded when they are first asked for."""

    schedules: Callable[[], Awaitable["Schedules"]]

    async def of(self, tenant_id: str, provider: str, subject: str) -> ShownReading | None:
        """Return what is read with an account of the subject at a provider; None: nothing is, at this one."""
        ingestion = AT_PROVIDER.get(provider)
        if ingestion is None:
            return None
        schedule = await (await self.schedules()).find(tenant_id, ingestion.name)
        return ShownReading(ingestion, schedule is not None and schedule.is_paused, _is_theirs(schedule, subject))

    async def stop(self, tenant_id: str, provider: str, subject: str) -> None:
        """Read nothing with this account, until somebody has it read again. Raises ConnectionRefused where it is not theirs to say."""
        schedules, name = await self._theirs(tenant_id, provider, subject)
        await schedules.pause(tenant_id, name)

    async def go_on(self, tenant_id: str, provider: str, subject: str) -> None:
        """Undo `stop`. Raises as it does."""
        schedules, name = await self._theirs(tenant_id, provider, subject)
        await schedules.resume(tenant_id, name)

    async def _theirs(self, tenant_id: str, provider: str, subject: str) -> "tuple[Schedules, str]":
        ingestion = AT_PROVIDER.get(provider)
        schedules = await self.schedules()
        if ingestion is None or not _is_theirs(await schedules.find(tenant_id, ingestion.name), subject):
            raise ConnectionRefused("it is read with somebody else's account; ask an administrator")
        return schedules, ingestion.name


def _is_theirs(schedule: "Schedule | None", subject: str) -> bool:
    # None yet: the account was connected in this moment.
    return schedule is None or schedule.acts_for is None or schedule.acts_for.subject == subject
