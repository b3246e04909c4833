"""Ingestion put together: the workflows that read Gong and Salesforce, and the one that takes in what they bring."""

from collections import Counter
from collections.abc import Mapping

from oauth.sign_in.stores import SubjectStore
from tools.workflows.ingestion.gong.gong_ingest import GongIngest
from tools.workflows.ingestion.ingest_item import ITEM
from tools.workflows.ingestion.salesforce.salesforce_ingest import SalesforceIngest
from tools.workflows.workflow import Workflow


def ingestion_workflows(subjects: SubjectStore) -> tuple[Workflow, ...]:
    """Return the workflows; schedules and operators start them, because what they bring is the whole tenant's."""

    async def subjects_by_email(tenant_id: str) -> Mapping[str, str]:
        known = [
            (each.email.casefold(), each.subject_id) for each in await subjects.of_tenant(tenant_id) if each.email and not each.disabled
        ]
        # Where two have an address, nobody can say whose private calls are meant.
        often = {address for address, count in Counter(address for address, _ in known).items() if count > 1}
        return {address: subject_id for address, subject_id in known if address not in often}

    return GongIngest(subjects_by_email).workflow(), SalesforceIngest().workflow(), ITEM
