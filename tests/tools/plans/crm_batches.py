"""Batches over the CRM's operations, each answering as a test says."""

from tests.tools.plans.plans import CONTACTS, Batches, batches
from tests.tools.stand_ins import answering, operation


async def crm() -> Batches:
    """Return a gateway with a small CRM whose search finds two contacts."""
    gateway = await batches([operation("crm.contacts.search"), operation("crm.deals.list"), operation("crm.notes.create", "write")])
    gateway.runner.answers["crm.contacts.search"] = answering(CONTACTS)
    return gateway
