"""Which reports there are, and of how long a time each is by itself."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from server.reports.cost import cost
from server.reports.digest import digest
from server.reports.legacy_bearer import legacy_bearer
from server.reports.providers import providers
from server.reports.quality import quality
from server.reports.report import Report
from server.reports.rotation import rotation
from server.reports.sample import sample
from server.reports.satisfaction import satisfaction
from server.reports.sources import DAY_US, Scope, Sources
from server.reports.unused import unused
from tools.operation import Json


@dataclass(frozen=True, slots=True)
class ReportKind:
    """`about`: one line for lists."""

    about: str
    days: int
    make: Callable[[Sources, Scope], Awaitable[Report]]


KINDS: Mapping[str, ReportKind] = {
    "digest": ReportKind("calls, failures, times and spending of the week, beside the week before", 7, digest),
    "cost": ReportKind("what models and priced operations cost, by model, person and tool", 30, cost),
    "quality": ReportKind("times and failures, day by day and entry by entry", 7, quality),
    "providers": ReportKind("how each API and model provider did", 7, providers),
    "satisfaction": ReportKind("what people thought of models' answers", 30, satisfaction),
    "sample": ReportKind("ten calls drawn at random, followed from end to end", 30, sample),
    "unused": ReportKind("operations that nobody used", 30, unused),
    "rotation": ReportKind("secrets and keys that have been the same for long", 90, rotation),
    "legacy-bearer": ReportKind("static tokens and who still uses them", 7, legacy_bearer),
}


async def made(sources: Sources, kind: str, tenant_id: str | None, to_us: int, days: int | None = None) -> dict[str, Json]:
    """Return the report of a kind, of so many `days`, the last of which is the one that `to_us` ends in; tenant None: of the gateway.

    Sums are kept by whole days of UTC, so a scope begins and ends at midnight; of a day under way counts what there is. Raises KeyError.
    """
    of = KINDS[kind]
    end_us = -(-to_us // DAY_US) * DAY_US
    report = await of.make(sources, Scope(tenant_id, end_us - (days or of.days) * DAY_US, end_us))
    return report.as_json(to_us)
