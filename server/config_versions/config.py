"""The configuration as its readers see it: every section, with what is built in where nobody said otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, get_type_hints

from pydantic import TypeAdapter

from server.config_versions.sections.alerts import Alerts
from server.config_versions.sections.edge import Edge
from server.config_versions.sections.jobs import Jobs
from server.config_versions.sections.limits import Limits
from server.config_versions.sections.plans import Plans
from server.config_versions.sections.retention import Retention
from server.config_versions.sections.sinks import Sinks


@dataclass(frozen=True, slots=True)
class Config:
    """One field a section, named as the document names it. A section may have `faults()`: what its types cannot say."""

    retention: Retention = field(default_factory=Retention)
    alerts: Alerts = field(default_factory=Alerts)
    sinks: Sinks = field(default_factory=Sinks)
    jobs: Jobs = field(default_factory=Jobs)
    limits: Limits = field(default_factory=Limits)
    plans: Plans = field(default_factory=Plans)
    edge: Edge = field(default_factory=Edge)


@cache
def sections() -> Mapping[str, TypeAdapter[Any]]:
    """Return what checks each section; made at the first document that is read."""
    hints = get_type_hints(Config)
    return {each.name: TypeAdapter(hints[each.name]) for each in fields(Config)}
