"""`[jobs]`: when the gateway starts by itself what it brings along, or that it does not. A table a schedule: `[jobs.weekly-digest]`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from importlib import import_module
from typing import Annotated

from pydantic import ConfigDict, Field


@dataclass(frozen=True, slots=True)
class Job:
    """What is left out is as the gateway brings it."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    #: five fields, or a short form like @daily
    cron: Annotated[str, Field(max_length=200)] = ""
    #: of the IANA database
    zone: Annotated[str, Field(max_length=64)] = ""
    #: of every tenant
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Jobs:
    """Those that each tenant has from the start; what somebody set under the name of one stays theirs."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True, alias_generator=lambda name: name.replace("_", "-"))

    token_health: Job = Job()
    error_pattern: Job = Job()
    docs_freshness: Job = Job()
    backup_verify: Job = Job()
    backup: Job = Job()
    weekly_digest: Job = Job()
    legacy_bearer: Job = Job()
    rotation_reminder: Job = Job()
    sample_audit: Job = Job()
    zero_use: Job = Job()
    cost_report: Job = Job()

    @property
    def said(self) -> Mapping[str, Job]:
        """Return what is otherwise than the gateway brings it, by the name of its schedule."""
        jobs = {each.name.replace("_", "-"): getattr(self, each.name) for each in fields(self)}
        return {name: job for name, job in jobs.items() if job != Job()}

    def faults(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Yield (place, words) of times that never come, and of zones that there are not."""
        for name, job in self.said.items():
            if not (job.cron or job.zone):
                continue
            # What knows of cron is loaded where a document names times (decision 0059).
            cron = import_module("tools.workflows.schedules.cron")
            for fault in cron.cron_faults(cron.whole_expression(job.cron or "@daily"), job.zone or "UTC"):
                member = "zone" if fault["path"] == "zone" else "cron"
                yield (name, member), f"{fault['value']!r} is not {fault['rule']}; for example {fault['example']!r}"
