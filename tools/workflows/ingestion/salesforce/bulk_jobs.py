"""Bulk query jobs: made, waited for, made anew where one fails."""

from dataclasses import dataclass
from functools import partial

from tools.errors import ToolError
from tools.operation import Failure, Json
from tools.workflows.errors import PermanentFault
from tools.workflows.ingestion.asking import Asking
from tools.workflows.ingestion.salesforce.refusals import Refusal, refusal_of
from tools.workflows.run import Run

CREATE, STATE = "salesforce.jobs.query", "salesforce.jobs.query.get"
MAX_JOBS = 3
MAX_POLLS = 500
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0


@dataclass(frozen=True, slots=True)
class CompletedJob:
    """A job whose results are there, or why there is none."""

    job_id: str = ""
    refusal: Refusal | None = None


class BulkJobs:
    """Waits between two looks are the run's: whichever process goes on, the job is not made again."""

    def __init__(self, run: Run, asking: Asking) -> None:
        self._run, self._asking = run, asking

    async def completed(self, name: str, query: str) -> CompletedJob:
        """Return a job that is complete. Raises PermanentFault where three of them failed."""
        for attempt in range(MAX_JOBS):
            made = await self._run.step(f"{name} job {attempt}", partial(self._made, query), timeout_s=300)
            if made["refusal"] is not None:
                return CompletedJob(refusal=Refusal(**made["refusal"]))
            if await self._is_complete(f"{name} job {attempt}", made["job"]):
                return CompletedJob(made["job"])
        message = f"Salesforce did not complete any of {MAX_JOBS} bulk jobs for: {query[:200]}"
        raise PermanentFault(Failure("upstream_error", message, hint="look at the jobs in Salesforce (Setup, Bulk Data Load Jobs)"))

    async def _is_complete(self, name: str, job: str) -> bool:
        for number in range(MAX_POLLS):
            state = await self._run.step(f"{name} look {number}", partial(self._state, job), timeout_s=300)
            if state in ("JobComplete", "Failed", "Aborted"):
                return bool(state == "JobComplete")
            await self._run.sleep(f"{name} wait {number}", min(FIRST_WAIT_S * 1.5**number, LONGEST_WAIT_S))
        return False

    async def _made(self, query: str) -> Json:
        try:
            outcome = await self._asking.ask(CREATE, {"operation": "queryAll", "query": query})
        except ToolError as error:
            refusal = refusal_of(error)
            if refusal is None:
                raise
            return {"refusal": {"meaning": refusal.meaning, "name": refusal.name}, "job": ""}
        return {"refusal": None, "job": outcome.data["id"]}

    async def _state(self, job: str) -> Json:
        return (await self._asking.ask(STATE, {"jobId": job})).data["state"]
