"""Ingestion put together: the workflows that read Gong and Salesforce, and the one that takes in what they bring."""

from collections import Counter
from collections.abc import Callable, Mapping
from importlib import import_module

from oauth.sign_in.stores import SubjectStore
from tools.operation import Json
from tools.workflows.ingestion.declared import gong_workflow, item_workflow, salesforce_workflow
from tools.workflows.run import Run
from tools.workflows.workflow import Body, Workflow

_ROOM = "tools.workflows.ingestion"


def ingestion_workflows(subjects: SubjectStore) -> tuple[Workflow, ...]:
    """Return the workflows; schedules and operators start them, because what they bring is the whole tenant's."""

    async def subjects_by_email(tenant_id: str) -> Mapping[str, str]:
        known = [
            (each.email.casefold(), each.subject_id) for each in await subjects.of_tenant(tenant_id) if each.email and not each.disabled
        ]
        # Where two have an address, nobody can say whose private calls are meant.
        often = {address for address, count in Counter(address for address, _ in known).items() if count > 1}
        return {address: subject_id for address, subject_id in known if address not in often}

    return (
        gong_workflow(_WhenFirstRun(lambda: import_module(f"{_ROOM}.gong.gong_ingest").GongIngest(subjects_by_email).run)),
        salesforce_workflow(_WhenFirstRun(lambda: import_module(f"{_ROOM}.salesforce.salesforce_ingest").SalesforceIngest().run)),
        item_workflow(_WhenFirstRun(lambda: import_module(f"{_ROOM}.ingest_item").ingest_item)),
    )


class _WhenFirstRun:
    """A body that is loaded with its first run (docs/decisions/0059)."""

    def __init__(self, load: Callable[[], Body]) -> None:
        self._load = load
        self._body: Body | None = None

    async def __call__(self, run: Run, given: Mapping[str, Json]) -> Json:
        if self._body is None:
            self._body = self._load()
        return await self._body(run, given)
