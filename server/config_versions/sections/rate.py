"""How often: `5/h`, `10/15min`; `off` is no limit."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import GetPydanticSchema
from pydantic_core import core_schema

_UNIT_S: Final = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}
_RATE: Final = re.compile(r"(\d{1,9})/(\d{0,4})(s|min|h|d)")
WORDS: Final = "is no rate; write a count and a period, as in 5/h, 10/15min or 200/d, or off"


@dataclass(frozen=True, slots=True)
class Rate:
    """`requests` in each `window_s`; 0 of both: no limit."""

    requests: int = 0
    window_s: int = 0

    @property
    def is_off(self) -> bool:
        return not self.requests


def rate_of(text: str) -> Rate:
    """Return the rate that `text` says. Raises ValueError."""
    if text == "off":
        return Rate()
    match = _RATE.fullmatch(text)
    if match is None or not int(match[1]) or match[2].startswith("0"):
        raise ValueError(WORDS)
    return Rate(int(match[1]), int(match[2] or 1) * _UNIT_S[match[3]])


def _schema(_source: Any, _handler: Any) -> core_schema.CoreSchema:
    return core_schema.no_info_after_validator_function(rate_of, core_schema.str_schema(max_length=20, strict=True))


#: a rate as documents write it
RateText = Annotated[Rate, GetPydanticSchema(_schema)]
