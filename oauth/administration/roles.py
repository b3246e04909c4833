"""Roles of the administration (operations contract, "Roles"): who may see, who may act, who may open doors."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Self


class Role(IntEnum):
    """What somebody may do; each may all that the one before may, so they compare."""

    #: reads and exports, changes nothing
    AUDITOR = 1
    #: acts, but gives nobody a way in: no roles, services, keys or sinks
    OPERATOR = 2
    OWNER = 3

    @classmethod
    def named(cls, name: str) -> Self:
        """Return the role of a name as stores and commands write it. Raises ValueError."""
        found = {role.title: role for role in cls}.get(name)
        if found is None:
            raise ValueError(f"role: give {', '.join(role.title for role in reversed(cls))}")
        return found

    @property
    def title(self) -> str:
        """How stores, commands and pages write it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class AdminRole:
    """A role that a subject has. `reaches_gateway`: over every tenant; otherwise over its own."""

    tenant_id: str
    subject_id: str
    role: Role
    reaches_gateway: bool
    #: who gave it, as the audit trail names them; and when, epoch seconds
    given_by: str = ""
    given_at: float = 0.0

    def is_within(self, other: "AdminRole") -> bool:
        """Say whether this one lets its person do no more, and no further, than the other."""
        return self.role <= other.role and self.reaches_gateway <= other.reaches_gateway
