"""Whether the newest backup can be restored. There are no backups yet, and this says so."""

from collections.abc import Mapping

from tools.operation import Json
from tools.workflows.jobs.report import finding, report
from tools.workflows.run import Run
from tools.workflows.workflow import Workflow


class BackupVerify:
    def workflow(self) -> Workflow:
        return Workflow("backup-verify", "1", self._body, title="Restore the newest backup aside and compare")

    async def _body(self, run: Run, given: Mapping[str, Json]) -> Json:
        now_us = await run.now_us("now")
        hint = "copy the data directory, or dump the database, on a schedule of your own and keep vault.kek apart from it"
        none = finding("no_backup", "backups", "no backup is made, so there is none to verify", hint)
        return report("Backups", [none], {"backups": 0}, now_us)
