"""What Salesforce refuses, and what it means for who reads."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tools.errors import ToolError

Meaning = Literal["field", "object", "locator", "limit"]
_MEANING_BY_CODE: Mapping[str, Meaning] = {
    "INVALID_FIELD": "field",
    "INVALID_TYPE": "object",
    "INVALID_QUERY_LOCATOR": "locator",
    "REQUEST_LIMIT_EXCEEDED": "limit",
}
_NAMED = re.compile(r"'([\w.]+)'")


@dataclass(frozen=True, slots=True)
class Refusal:
    """`field`: this user may not see it; `object`: nor this; `locator`: it is over; `limit`: no more requests today."""

    meaning: Meaning
    #: which field or object
    name: str = ""


def refusal_of(error: ToolError) -> Refusal | None:
    """Return what an error means; None where it is another one, which stays an error."""
    body = (error.failure.upstream or {}).get("body")
    told = body[0] if isinstance(body, list) and body and isinstance(body[0], Mapping) else {}
    meaning = _MEANING_BY_CODE.get(str(told.get("errorCode")))
    if meaning is None or (error.failure.upstream or {}).get("status") == 429:
        return None
    named = _NAMED.search(str(told.get("message")))
    if meaning == "field" and named is None:
        return None
    return Refusal(meaning, named[1] if named else "")
