"""Two operations that a stored plan has beside the catalogue: to sleep, and to wait for a signal. Only a durable run can do either."""

from collections.abc import Mapping
from typing import Final

from tools.operation import Json, Operation

SLEEP, WAIT = "sleep", "wait"
MAX_PAUSE_S = 30 * 24 * 3600
_SECONDS: Mapping[str, Json] = {"type": "number", "minimum": 0, "maximum": MAX_PAUSE_S}


def _pause(name: str, title: str, properties: Mapping[str, Json], answers: Mapping[str, Json]) -> Operation:
    return Operation(
        id=name,
        kind="builtin",
        provider="workflow",
        tenant_id=None,
        title=title,
        summary=title,
        description="",
        access="read",
        idempotent=True,
        input_schema={"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False},
        output_schema=answers,
        signature="",
        returns="",
        tags=(),
        # Whoever may connect may wait.
        binding={"scope": "mcp"},
        content_hash=name,
    )


PAUSES: Final[Mapping[str, Operation]] = {
    SLEEP: _pause(SLEEP, "Go on so many seconds later", {"seconds": _SECONDS}, {}),
    WAIT: _pause(
        WAIT,
        "Go on with the value of a signal, or with null when its time is over",
        {"signal": {"type": "string", "minLength": 1, "maxLength": 200}, "timeout_s": _SECONDS},
        {},
    ),
}
