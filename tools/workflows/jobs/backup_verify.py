"""Whether the newest backup can be restored: it is restored aside, a gateway is opened on it, and it is asked something."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from oauth.tenants import DEFAULT_TENANT
from tools.operation import Json
from tools.workflows.jobs.backup import BACKUP_TIMEOUT_S
from tools.workflows.jobs.report import finding, report
from tools.workflows.run import Run
from tools.workflows.workflow import Workflow

#: a weekly backup that is older was missed
OLD_AFTER_S = 8 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class BackupTrial:
    """What trying the newest backup came to; `failure` "": it would have helped."""

    name: str
    age_s: float
    took_s: float
    rows: int
    failure: str = ""


class TriesBackups(Protocol):
    async def try_newest(self) -> BackupTrial | None:
        """Try the newest backup; None: there is none."""
        ...


class BackupVerify:
    def __init__(self, backups: TriesBackups) -> None:
        self._backups = backups

    def workflow(self) -> Workflow:
        return Workflow("backup-verify", "2", self._body, title="Restore the newest backup aside and compare")

    async def _body(self, run: Run, given: Mapping[str, Json]) -> Json:
        now_us = await run.now_us("now")
        if run.tenant_id != DEFAULT_TENANT:
            whose = "they are of the whole gateway, and the operator's tenant looks after them"
            return report("Backups", [finding("not_here", "backups", whose)], {"backups": 0}, now_us)

        async def look() -> Json:
            trial = await self._backups.try_newest()
            if trial is None:
                return None
            return {"name": trial.name, "age_s": trial.age_s, "took_s": trial.took_s, "rows": trial.rows, "failure": trial.failure}

        found = await run.step("try the newest", look, timeout_s=BACKUP_TIMEOUT_S)
        if found is None:
            hint = "`ascend backup init` makes the keys, `ascend backup create` a backup"
            return report("Backups", [finding("no_backup", "backups", "there is no backup", hint)], {"backups": 0}, now_us)
        findings = []
        if found["failure"]:
            findings.append(finding("drill_failed", found["name"], found["failure"], "make another one, and try that"))
        if found["age_s"] > OLD_AFTER_S:
            days = int(found["age_s"] // 86_400)
            findings.append(
                finding("backup_old", found["name"], f"the newest backup is {days} days old", "`ascend backup create` makes one")
            )
        counts = {"backups": 1, "rows": found["rows"], "took_s": round(found["took_s"])}
        return report("Backups", findings, counts, now_us) | {"about": found["name"]}
