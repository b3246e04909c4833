"""A run without an engine: each step is done once, where it stands."""

from collections.abc import Awaitable, Callable
from typing import Any

from tools.errors import ToolError
from tools.operation import Json
from tools.workflows.errors import StepFailed
from tools.workflows.workflow import Workflow


class RunAlone:
    """The part of `Run` that jobs use; notes the names of steps."""

    def __init__(self, tenant_id: str, now_us: int) -> None:
        self.tenant_id, self._now_us = tenant_id, now_us
        self.run_id = f"{tenant_id}:job:key"
        self.steps: list[str] = []

    async def step(self, name: str, work: Callable[[], Awaitable[Json]], **_how: Any) -> Json:
        assert name not in self.steps
        self.steps.append(name)
        try:
            return await work()
        except ToolError as error:
            raise StepFailed(name, error.failure) from error

    async def now_us(self, name: str) -> int:
        return self._now_us


async def run_alone(workflow: Workflow, tenant_id: str = "acme", now_us: int = 1_795_860_000_000_000) -> Json:
    return await workflow.body(RunAlone(tenant_id, now_us), {})  # type: ignore[arg-type]
