"""ingest-item: what one item comes to, in one transaction."""

from collections.abc import Mapping
from functools import partial

from tools.operation import Json
from tools.workflows.ingestion.staging import ITEM_WORKFLOW
from tools.workflows.ingestion.taking_in import take_in
from tools.workflows.run import Retry, Run
from tools.workflows.workflow import Workflow

INPUT_SCHEMA: Mapping[str, Json] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["source", "items"],
    "properties": {
        "source": {"type": "string"},
        "items": {"type": "array", "items": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "string"}]}},
    },
}


async def _run(run: Run, given: Mapping[str, Json]) -> Json:
    return await run.transact("rows", partial(take_in, given=given))


ITEM = Workflow(
    ITEM_WORKFLOW, "1", _run, retry=Retry(attempts=3), title="Take in what a window brought: one record or call", input_schema=INPUT_SCHEMA
)
