"""docs/guides/batching.md says what is so."""

import json
import re
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.tools.plans.plans import batches
from tools.operation import Operation
from tools.plans.code_names import bind_names
from tools.sources.openapi.import_document import import_document

GUIDE = (REPOSITORY / "docs" / "guides" / "batching.md").read_text(encoding="utf-8")
PLANS = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)]
(CODE,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)


def crm() -> tuple[Operation, ...]:
    document = REPOSITORY / "server" / "demo" / "openapi.yaml"
    return import_document(
        document.read_bytes(), provider="crm", tenant_id=None, location=str(document), base_url="http://crm.test"
    ).operations


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan["steps"][-1]["id"])
async def test_every_plan_of_the_guide_is_sound(plan: dict[str, Any]) -> None:
    gateway = await batches(crm())
    answer = await gateway.run(**plan, dry_run=True)
    assert answer["status"] == "completed", answer


def test_the_code_of_the_guide_names_operations_of_the_demo() -> None:
    known = {operation.id for operation in crm()}
    named = bind_names(CODE, known, ["crm"]).named
    assert set(named) == {"crm.contacts.search", "crm.deals.list"}
    assert set(named) <= known
