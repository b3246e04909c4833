"""Reports that come by themselves: each job makes one of a kind and leaves it with its run."""

from collections.abc import Awaitable, Callable, Mapping

from tools.operation import Json
from tools.workflows.run import Retry, Run
from tools.workflows.workflow import Workflow

#: told whose report and up to when; returns what `tools.workflows.jobs.report` describes, and may have more
MakesReport = Callable[[str, int], Awaitable[dict[str, Json]]]


class ReportJob:
    """One job of a name; the report is made in one step, so that what it says is of one moment."""

    def __init__(self, name: str, title: str, make: MakesReport) -> None:
        self._name, self._title, self._make = name, title, make

    def workflow(self) -> Workflow:
        return Workflow(self._name, "1", self._body, Retry(3), title=self._title)

    async def _body(self, run: Run, given: Mapping[str, Json]) -> Json:
        now_us = await run.now_us("now")

        async def make() -> Json:
            return await self._make(run.tenant_id, now_us)

        return await run.step("make", make)
