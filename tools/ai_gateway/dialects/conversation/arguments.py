"""Arguments of tool calls: text in some dialects, an object in others."""

import re

from tools.json_text import decode, encode
from tools.operation import Json

_NOT_OF_AN_ID = re.compile(r"[^a-zA-Z0-9_-]")
_MAX_ID_CHARS = 64


def object_of(arguments: str) -> dict[str, Json]:
    """Return arguments as an object; what a model wrote that is none stands under `arguments`, so that it is not lost."""
    if not arguments.strip():
        return {}
    try:
        value = decode(arguments.encode("utf-8", "surrogatepass"))
    except ValueError:
        return {"arguments": arguments}
    return value if isinstance(value, dict) else {"arguments": value}


def text_of(arguments: Json) -> str:
    """Return arguments as JSON text."""
    return arguments if isinstance(arguments, str) else encode(arguments).decode()


def safe_id(call_id: str) -> str:
    """Return an id as Anthropic and Bedrock take it: the same for the call and for its result."""
    return _NOT_OF_AN_ID.sub("_", call_id)[:_MAX_ID_CHARS] or "_"


def text_in(value: Json) -> str:
    """Return a text of a provider's answer. Raises TypeError for what is none: the answer is then none of its dialect."""
    if not isinstance(value, str):
        raise TypeError("a text belongs here")
    return value
