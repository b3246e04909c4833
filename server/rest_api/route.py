"""What one URL and method is: an operation, and what the URL says of its arguments."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tools.operation import Json

#: optional: JSON, or nothing at all
Body = Literal["none", "optional", "json", "document"]
#: path -> method -> route; `{}` is one segment
Routes = Mapping[str, Mapping[str, "Route"]]


@dataclass(frozen=True, slots=True)
class Route:
    """One URL and method. `names`: the argument that the last segment of the path is; `takes`: arguments that the query may carry.

    `given`: arguments that the URL implies. `confirms`: it cannot be undone, so `confirm` may come along.
    """

    operation: str
    body: Body = "json"
    names: str | None = None
    takes: frozenset[str] = frozenset()
    given: Mapping[str, Json] | None = None
    status: int = 200
    confirms: bool = False
