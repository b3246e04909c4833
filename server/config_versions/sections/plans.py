"""`[plans]`: which plans there are, and how often whoever is on one may come. `ascend tenant set --plan` says who is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import ConfigDict, Field

from tools.versioned_documents.model_faults import unknown_name

#: plan -> requests an hour (issue 17, "The edge around it")
BUILT_IN: Mapping[str, int] = {"free": 100, "pro": 1_000, "enterprise": 10_000}
MAX_PLANS = 50

PlanName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


@dataclass(frozen=True, slots=True)
class Plans:
    """What is left out is as it is built in; a name that is not built in is one plan more."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    #: of whoever is on none; "": nobody counts their requests
    default: Annotated[str, Field(max_length=64)] = ""
    requests_per_hour: Annotated[Mapping[PlanName, Annotated[int, Field(ge=1, le=100_000_000)]], Field(max_length=MAX_PLANS)] = field(
        default_factory=dict
    )

    def faults(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Yield (place, words) of a default that is no plan."""
        if self.default and self.default not in self.in_force:
            yield ("default",), unknown_name(self.default, list(self.in_force), "plan")

    @property
    def in_force(self) -> Mapping[str, int]:
        """Return every plan with its requests an hour."""
        return {**BUILT_IN, **self.requests_per_hour}

    def plan_of(self, plan: str) -> str | None:
        """Return which plan holds for whoever is on `plan` ("": on none). None: they are not counted.

        Of a name that is no plan any more it is the default.
        """
        return plan if plan in self.in_force else self.default or None

    def hourly(self, plan: str) -> int | None:
        """Return how many requests an hour whoever is on `plan` has. None: they are not counted."""
        held = self.plan_of(plan)
        return None if held is None else self.in_force[held]
