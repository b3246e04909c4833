"""A backup each week, where somebody could open it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from oauth.tenants import DEFAULT_TENANT
from tools.operation import Json
from tools.workflows.jobs.report import finding, report
from tools.workflows.run import Retry, Run
from tools.workflows.workflow import Workflow

BACKUP_TIMEOUT_S = 1_800.0


@dataclass(frozen=True, slots=True)
class MadeBackup:
    """What was made: `removed` older ones went. `failure` "": it is there."""

    name: str
    bytes: int
    removed: int
    failure: str = ""


class MakesBackups(Protocol):
    async def make(self) -> MadeBackup | None:
        """Make a backup; None: there are no keys that it could be written for."""
        ...


class Backup:
    def __init__(self, backups: MakesBackups) -> None:
        self._backups = backups

    def workflow(self) -> Workflow:
        return Workflow("backup", "1", self._body, Retry(3, first_s=600.0, longest_s=3_600.0), title="Make a backup")

    async def _body(self, run: Run, given: Mapping[str, Json]) -> Json:
        now_us = await run.now_us("now")
        if run.tenant_id != DEFAULT_TENANT:
            whose = "they are of the whole gateway, and the operator's tenant looks after them"
            return report("Backup", [finding("not_here", "backups", whose)], {"backups": 0}, now_us)

        async def make() -> Json:
            made = await self._backups.make()
            return None if made is None else {"name": made.name, "bytes": made.bytes, "removed": made.removed, "failure": made.failure}

        made = await run.step("make", make, timeout_s=BACKUP_TIMEOUT_S)
        if made is None:
            hint = "`ascend backup init` makes them; keep the recovery key that it prints elsewhere"
            return report("Backup", [finding("no_keys", "backups", "there are no keys to write one for", hint)], {"backups": 0}, now_us)
        if made["failure"]:
            return report("Backup", [finding("not_made", "backups", made["failure"])], {"backups": 0}, now_us)
        return report(f"Backup {made['name']}", [], {"backups": 1, "bytes": made["bytes"], "removed": made["removed"]}, now_us)
