"""What the context plane refuses, in the contract's codes (context contract §6).

ContextRefused        code, message, hint, faults: everything that is wrong, at once
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from tools.errors import ToolError
from tools.operation import Failure, Json

ContextCode = Literal[
    "invalid_arguments",
    "bad_time",
    "unsupported_media",
    "too_large",
    "encrypted",
    "no_text",
    "damaged",
    "not_found",
    "conflict",
    "rate_limited",
    "quota_exceeded",
]


class ContextRefused(ToolError):
    """Nothing was kept. `faults`: [{path, value, rule, example}], all of them."""

    def __init__(
        self,
        code: ContextCode,
        message: str,
        hint: str | None = None,
        faults: Sequence[Mapping[str, Json]] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(Failure(code, message, hint=hint, faults=tuple(faults), retry_after_s=retry_after_s))


def nothing_there(what: str) -> ContextRefused:
    """Return the refusal for an id that is foreign, unknown or gone: which of them helps only who guesses."""
    return ContextRefused("not_found", f"there is no such {what}", hint="ids are those that context_query, rag_search or a list gave")
