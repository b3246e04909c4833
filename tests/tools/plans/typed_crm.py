"""Operations of a CRM whose arguments and answers have types, and the faults of a plan over them."""

from collections.abc import Mapping
from dataclasses import replace

from tests.tools.plans.plans import Batches, batches
from tests.tools.stand_ins import operation
from tools.operation import Json, Operation

CONTACT = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "age": {"type": "integer"},
        "company": {"oneOf": [{"type": "null"}, {"$ref": "#/$defs/Company"}]},
        "custom": {"type": "object", "additionalProperties": True},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}
FOUND = {
    "type": "object",
    "properties": {"results": {"type": "array", "items": CONTACT}, "total": {"type": "integer"}},
    "$defs": {
        "Company": {"allOf": [{"type": "object", "properties": {"name": {"type": "string"}}}, {"properties": {"vat": {"type": "string"}}}]}
    },
}
TAKES = {
    "type": "object",
    "properties": {
        "contact_id": {"type": "string"},
        "limit": {"type": "integer"},
        "amount": {"type": "number"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "filter": {
            "type": "object",
            "properties": {"stage": {"enum": ["open", "won"]}},
            "required": ["stage"],
            "additionalProperties": False,
        },
    },
    "required": ["contact_id"],
    "additionalProperties": False,
}


def typed(operation_id: str, takes: Mapping[str, Json], answers: Mapping[str, Json] | None) -> Operation:
    return replace(operation(operation_id, schema=takes), output_schema=answers)


async def crm() -> Batches:
    return await batches(
        [typed("crm.contacts.search", {"type": "object"}, FOUND), typed("crm.deals.list", TAKES, {"type": "array", "items": CONTACT})]
    )
