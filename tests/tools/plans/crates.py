"""Operations over crates that take values in every place, and the faults of a plan over them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.tools.plans.plans import Batches, batches
from tests.tools.stand_ins import answering, operation
from tools.operation import Json, Operation, ResponseMeta

CRATES = [{"id": 7, "title": "Pears", "is_sold": True, "name": "pears"}]
LABEL = {"type": "object", "properties": {"crate_id": {"type": "string"}, "text": {"type": "string"}, "count": {"type": "integer"}}}
LISTED = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "title": {"type": "string"}, "is_sold": {"type": "boolean"}, "name": {"type": "string"}},
    },
}


def in_place(operation_id: str, place: str, schema: Mapping[str, Json], argument: str = "id") -> Operation:
    takes = {"type": "object", "properties": {argument: schema}}
    return replace(
        operation(operation_id, schema=takes), binding={"parameters": [{"argument": argument, "name": argument, "in": place}], "body": None}
    )


async def flow(*, knows_types: bool = True) -> Batches:
    listing = replace(operation("fl.crates.list"), output_schema=LISTED if knows_types else None)
    text = {"type": "string"}
    house = await batches(
        [
            listing,
            in_place("fl.crates.get", "path", text),
            in_place("fl.crates.query", "query", {"type": "array", "items": text}),
            in_place("fl.crates.head", "header", text),
            in_place("fl.crates.document", "query", text, "filter"),
            operation("fl.labels.add", "write", schema=LABEL),
        ]
    )
    house.runner.answers["fl.crates.list"] = answering(CRATES, http=ResponseMeta(200, told={"etag": '"v7"', "content-location": "/c"}))
    return house


async def faults_of(house: Batches, *steps: Mapping[str, Json], **plan: Json) -> list[dict[str, Any]]:
    """Return the faults of a plan; nothing of it may have run."""
    answer = await house.run(*steps, **plan)
    assert answer["error"]["code"] == "invalid_plan", answer
    assert house.sent == []
    faults: list[dict[str, Any]] = answer["error"]["faults"]
    return faults


ALL: dict[str, Json] = {"id": "all", "api": "fl.crates.list"}


def label(text: Json, **more: Json) -> dict[str, Json]:
    return {"id": "lab", "api": "fl.labels.add", "args": {"crate_id": text}, **more}
