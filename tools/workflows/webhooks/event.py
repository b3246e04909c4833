"""What a run sees of the event that started it: `body`, read from where deliveries are kept and from nowhere else.

A run is on record for longer than what came: what it is given says where the event is, and its body is read when the run needs it. It never
changes, so a run that begins anew finds what it found before; after its time there is nothing to find, and the run says so.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from tools.operation import Failure, Json
from tools.workflows.errors import PermanentFault
from tools.workflows.run import Run
from tools.workflows.run_keys import is_delivery_key, key_of
from tools.workflows.webhooks.content import read_content
from tools.workflows.webhooks.stores import DeliveryStore
from tools.workflows.workflow import Body, Workflow

#: member of what a run is given: the delivery that started it
DELIVERY = "delivery"
BODY = "body"

#: (tenant, workflow, version or "" for the newest) -> the workflow
Resolve = Callable[[str, str, str], Awaitable[Workflow | None]]


def with_events(resolve: Resolve, deliveries: DeliveryStore) -> Resolve:
    """Return the same workflows, whose bodies see the event that started a run."""

    async def found(tenant_id: str, name: str, version: str) -> Workflow | None:
        workflow = await resolve(tenant_id, name, version)
        return None if workflow is None else replace(workflow, body=_seeing(workflow.body, deliveries))

    return found


def _seeing(body: Body, deliveries: DeliveryStore) -> Body:
    async def seeing(run: Run, given: Mapping[str, Json]) -> Json:
        delivery_id = given.get(DELIVERY)
        # By its key, which nobody else can give a run: else whoever may start one could read what came for others.
        if not isinstance(delivery_id, str) or BODY in given or not is_delivery_key(key_of(run.run_id)):
            return await body(run, given)
        kept = await deliveries.body(run.tenant_id, delivery_id)
        if kept is None:
            message = f"the body of delivery {delivery_id!r} is not kept any more"
            raise PermanentFault(Failure("not_found", message, hint="have its sender send it again"))
        return await body(run, {**given, BODY: await read_content(kept.body, kept.media_type)})

    return seeing
