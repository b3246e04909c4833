"""A run sees the event that started it, each time it begins, and while it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import pytest

from tools.operation import Json
from tools.workflows.errors import PermanentFault
from tools.workflows.run import Run
from tools.workflows.webhooks.event import with_events
from tools.workflows.webhooks.stores import DeliveryStore, KeptBody
from tools.workflows.workflow import Workflow


@dataclass
class Kept:
    """One delivery, of one tenant."""

    async def body(self, tenant_id: str, delivery_id: str) -> KeptBody | None:
        return KeptBody("application/json", b'{"amount":5}') if (tenant_id, delivery_id) == ("acme", "d_1") else None


@dataclass
class Begun:
    tenant_id: str = "acme"
    run_id: str = ""


STARTED_BY_EVENT = "stripe@0123456789abcdef0123456789abcdef"


async def ran(given: Mapping[str, Json], tenant_id: str = "acme", key: str = STARTED_BY_EVENT) -> Json:
    async def body(run: Run, given: Mapping[str, Json]) -> Json:
        return dict(given)

    async def resolve(tenant_id: str, name: str, version: str) -> Workflow | None:
        return Workflow(name, "1", body) if name == "noted" else None

    find = with_events(resolve, cast("DeliveryStore", Kept()))
    assert await find("acme", "unknown", "") is None
    workflow = await find(tenant_id, "noted", "")
    assert workflow is not None
    return await workflow.body(cast("Run", Begun(tenant_id, f"{tenant_id}:noted:{key}")), given)


async def test_a_run_of_a_webhook_sees_what_came() -> None:
    assert await ran({"source": "stripe", "delivery": "d_1"}) == {"source": "stripe", "delivery": "d_1", "body": {"amount": 5}}


async def test_a_run_of_anybody_else_sees_what_it_was_given() -> None:
    for given in ({}, {"delivery": 7}, {"delivery": "d_1", "body": "my own"}):
        assert await ran(given) == given
    # Who may start a run learns nothing of what came for others, and may call something else a delivery.
    assert await ran({"delivery": "d_1"}, key="mine") == {"delivery": "d_1"}


@pytest.mark.parametrize(("delivery", "tenant"), [("d_2", "acme"), ("d_1", "globex")])
async def test_what_is_not_kept_or_is_anothers_ends_the_run(delivery: str, tenant: str) -> None:
    with pytest.raises(PermanentFault, match="not kept any more"):
        await ran({"delivery": delivery}, tenant)
