"""What a definition is refused for.

DefinitionInvalid   nothing was kept; `faults` are all there are
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DefinitionFault:
    """`place` as the document spells it: `steps[1].args.contact_id`; "" for the whole. `line` counts from 1; None: nobody knows."""

    place: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        at = f"line {self.line}: " if self.line is not None else ""
        return f"{at}{self.place}: {self.message}" if self.place else f"{at}{self.message}"


class DefinitionInvalid(Exception):
    def __init__(self, faults: Sequence[DefinitionFault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = tuple(faults)
