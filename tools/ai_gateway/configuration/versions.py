"""The versions of the configuration, as a store keeps them: the newest is in force, none is ever changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from oauth.audit import SecurityAction
from oauth.tenants import DEFAULT_TENANT
from tools.operation import Json
from tools.versioned_documents.versions import ConfigVersion

#: change feed topic of everything that `AiConfigStore` writes
TOPIC = "ai_config"


@dataclass(frozen=True, slots=True)
class ExperimentHold:
    """An experiment that stands still: every caller gets `control`. It outlives versions, until somebody resumes it."""

    name: str
    why: str
    by: str = ""
    at_us: int = 0


@dataclass(frozen=True, slots=True)
class ConfigAct:
    """What the audit says of a change beside its version and who made it: whose affair it was, and which one thing it was about.

    `subject`: the administrator behind it; "" for the command line.
    """

    action: SecurityAction = "ai_config_changed"
    tenant_id: str = DEFAULT_TENANT
    subject: str = ""
    about: str = ""


#: a change of the whole, made on the machine
LOCAL_ACT = ConfigAct()


@dataclass(frozen=True, slots=True)
class RolloutStep:
    """How far a rollout is. `of`: the rollout that it is a step of, in words that change with it; another one begins anew."""

    name: str
    of: str
    step: int


class AiConfigStore(Protocol):
    """Every write is announced to all processes (`TOPIC`) in the transaction that makes it."""

    async def newest(self) -> ConfigVersion: ...

    async def version(self, number: int) -> ConfigVersion | None:
        """Return one of the last MAX_KEPT versions."""
        ...

    async def put(self, document: Mapping[str, Json], by: str, expected: int | None = None, act: ConfigAct = LOCAL_ACT) -> ConfigVersion:
        """Keep `document` as the next version, and `act` as a security event: of concurrent calls each gets a number of its own.

        Raises VersionConflict where the newest is not `expected` (None: whichever it is), and then keeps nothing.
        """
        ...

    async def holds(self) -> Mapping[str, ExperimentHold]: ...

    async def hold(self, name: str, why: str, by: str) -> bool:
        """Hold an experiment; True where it ran until now. Of concurrent calls one is told True."""
        ...

    async def steps(self) -> Mapping[str, RolloutStep]: ...

    async def advance(self, step: RolloutStep) -> bool:
        """Take a rollout to this step; True where it was not there yet. Of concurrent calls one is told True."""
        ...

    async def resume(self, name: str) -> bool:
        """Let an experiment go on; True where it was held until now."""
        ...
