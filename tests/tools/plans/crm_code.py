"""Code run in the sandbox over the CRM's operations."""

from typing import Any

from tests.tools.plans.plans import CONTACTS, Batches, batches
from tests.tools.stand_ins import answering, operation
from tools.fair_semaphore import FairSemaphore


async def crm(sandboxes: FairSemaphore | None = None) -> Batches:
    gateway = await batches(
        [
            operation("crm.contacts.search"),
            operation("crm.deals.list"),
            operation("crm.notes.create", "write", idempotent=False),
            operation("crm.contacts.delete", "destructive"),
            operation("crm.get-all"),
        ],
        sandboxes=sandboxes,
    )
    gateway.runner.answers["crm.contacts.search"] = answering(CONTACTS)
    return gateway


async def run(code: str, **arguments: Any) -> dict[str, Any]:
    return await (await crm()).run(code=code, **arguments)
