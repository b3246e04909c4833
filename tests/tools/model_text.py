"""What a model reads of an outcome, as the MCP endpoint sends it."""

from tools.dispatch.wire import text_of, to_wire
from tools.json_text import encode
from tools.operation import Outcome


def to_text(outcome: Outcome) -> str:
    wire = to_wire(outcome)
    return text_of(outcome, wire, encode(wire))
