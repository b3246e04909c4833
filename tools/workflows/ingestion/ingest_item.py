"""ingest-item: what one item comes to, in one transaction."""

from collections.abc import Mapping
from functools import partial

from tools.operation import Json
from tools.workflows.ingestion.taking_in import take_in
from tools.workflows.run import Run


async def ingest_item(run: Run, given: Mapping[str, Json]) -> Json:
    """Take in the items that wait under the marks of `given`; answers what became of how many."""
    return await run.transact("rows", partial(take_in, given=given))
