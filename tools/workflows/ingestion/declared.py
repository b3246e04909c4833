"""What the workflows of ingestion are called and given; how they read is loaded with their first run."""

from collections.abc import Mapping

from tools.operation import Json
from tools.workflows.run import Retry
from tools.workflows.workflow import Body, Workflow

GONG, SALESFORCE, ITEM = "gong-ingest", "salesforce-ingest", "ingest-item"
#: that salesforce-ingest reads, in its order: what others refer to comes first
OBJECTS = ("User", "Account", "Contact", "Lead", "Opportunity", "OpportunityContactRole", "Task", "Event")
_READING = Retry(attempts=6, first_s=2.0, longest_s=120.0)


def gong_workflow(body: Body) -> Workflow:
    """Return gong-ingest."""
    properties: Mapping[str, Json] = {
        "overlap_h": {"type": "number", "minimum": 24, "maximum": 24 * 365, "description": "Read again so much before the watermark"},
        "first_days": {"type": "number", "minimum": 0.01, "maximum": 3650, "description": "How far back the first run reads"},
    }
    title = "Take in calls from Gong: who took part, what was said"
    return Workflow(GONG, "1", body, retry=_READING, title=title, input_schema=_of(properties))


def salesforce_workflow(body: Body) -> Workflow:
    """Return salesforce-ingest."""
    properties: Mapping[str, Json] = {
        "objects": {"type": "array", "items": {"enum": list(OBJECTS)}, "description": "Of these alone"},
        "bulk_above": {"type": "integer", "minimum": 0, "description": "First loads of more records are bulk jobs"},
    }
    title = "Take in records from Salesforce, with the validity that their history says"
    return Workflow(SALESFORCE, "1", body, retry=_READING, title=title, input_schema=_of(properties))


def item_workflow(body: Body) -> Workflow:
    """Return ingest-item, which windows start."""
    pair = {"type": "array", "prefixItems": [{"type": "string"}, {"type": "string"}]}
    schema = _of({"source": {"type": "string"}, "items": {"type": "array", "items": pair}}, required=["source", "items"])
    title = "Take in what a window brought: one record or call"
    return Workflow(ITEM, "1", body, retry=Retry(attempts=3), title=title, input_schema=schema)


def _of(properties: Mapping[str, Json], **more: Json) -> Mapping[str, Json]:
    return {"type": "object", "additionalProperties": False, "properties": properties, **more}
