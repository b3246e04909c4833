"""What is asked of Salesforce: pages of records with their history, by query or from a bulk job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.context_plane.times import time_us
from tools.errors import ToolError
from tools.operation import Json, Outcome
from tools.sources.response_headers import is_number
from tools.workflows.ingestion.asking import Asking
from tools.workflows.ingestion.salesforce.plain_records import csv_records, plain_record
from tools.workflows.ingestion.salesforce.queries import count_query, history_query, ids_query
from tools.workflows.ingestion.salesforce.record_item import Change
from tools.workflows.ingestion.salesforce.refusals import Refusal, refusal_of
from tools.workflows.ingestion.salesforce_ids import id18

QUERY_ALL, NEXT = "salesforce.all.query", "salesforce.query.get"
QUERY, RESULTS = "salesforce.query", "salesforce.jobs.query.results.get"
#: as many as one transaction has runs made for
PAGE_SIZE = 200
BULK_PAGE_SIZE = 500
#: ids in one query: an address has a length
IDS_AT_ONCE = 100
NO_MORE = "null"
LIMIT_HEADER = "sforce-limit-info"


@dataclass(frozen=True, slots=True)
class RecordPage:
    """A page of records in one form. `usage`: what share of the day's requests is used, by everybody."""

    records: tuple[Mapping[str, Json], ...] = ()
    #: id -> changes, the oldest first
    history: Mapping[str, Sequence[Change]] | None = None
    locator: str | None = None
    refusal: Refusal | None = None
    usage: float = 0.0


class RecordPages:
    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    async def page(self, query: str, locator: str | None, *, has_history: bool) -> RecordPage:
        """Return a page of a query, deleted records too."""
        first = {"q": query, "sforce_query_options": f"batchSize={PAGE_SIZE}"}
        try:
            outcome = await self._asking.ask(NEXT, {"locator": locator}) if locator else await self._asking.ask(QUERY_ALL, first)
            records = tuple(plain_record(record) for record in outcome.data["records"])
            history = await self._history(records) if has_history else None
        except ToolError as error:
            return _refused(error)
        return RecordPage(records, history, _following(outcome), usage=_usage(outcome))

    async def bulk_page(self, job: str, fields: Sequence[str], locator: str | None, *, has_history: bool) -> RecordPage:
        """Return a page of the results of a bulk job."""
        asked = {"jobId": job, "maxRecords": BULK_PAGE_SIZE, **({"locator": locator} if locator else {})}
        try:
            outcome = await self._asking.ask(RESULTS, asked)
            records = tuple(csv_records(outcome.data or "", fields))
            history = await self._history(records) if has_history else None
        except ToolError as error:
            return _refused(error)
        following = _told(outcome).get("sforce-locator", NO_MORE)
        return RecordPage(records, history, None if following == NO_MORE else following, usage=_usage(outcome))

    async def count(self, name: str) -> int:
        """Return how many records an object has; 0 where this user may not see it."""
        try:
            return int((await self._asking.ask(QUERY, {"q": count_query(name)})).data["totalSize"])
        except ToolError as error:
            refusal = refusal_of(error)
            if refusal is not None and refusal.meaning == "object":
                return 0
            raise

    async def ids(self, name: str, locator: str | None) -> tuple[list[str], str | None]:
        """Return a page of the ids of all records of an object that are not deleted."""
        asking = self._asking.ask(NEXT, {"locator": locator}) if locator else self._asking.ask(QUERY, {"q": ids_query(name)})
        outcome = await asking
        return [id18(str(record["Id"])) for record in outcome.data["records"]], _following(outcome)

    async def _history(self, records: Sequence[Mapping[str, Json]]) -> Mapping[str, Sequence[Change]]:
        ids = [str(record["Id"]) for record in records if not record.get("IsDeleted")]
        changes: dict[str, list[Change]] = {}
        for begin in range(0, len(ids), IDS_AT_ONCE):
            for row in await self._rows(history_query(ids[begin : begin + IDS_AT_ONCE])):
                change = Change(time_us(str(row["CreatedDate"])), str(row["Field"]), row.get("OldValue"), row.get("NewValue"))
                changes.setdefault(id18(str(row["OpportunityId"])), []).append(change)
        return changes

    async def _rows(self, query: str) -> list[Mapping[str, Json]]:
        rows: list[Mapping[str, Json]] = []
        locator: str | None = None
        while True:
            try:
                outcome = await (self._asking.ask(NEXT, {"locator": locator}) if locator else self._asking.ask(QUERY, {"q": query}))
            except ToolError as error:
                refusal = refusal_of(error)
                if refusal is not None and refusal.meaning in ("object", "field"):
                    return []  # The org keeps no history, or not for this user.
                raise
            rows += [plain_record(record) for record in outcome.data["records"]]
            locator = _following(outcome)
            if locator is None:
                return rows


def _following(outcome: Outcome) -> str | None:
    """Return the locator of the next page: the last part of its address."""
    return str(outcome.data.get("nextRecordsUrl") or "").rpartition("/")[2] or None


def _refused(error: ToolError) -> RecordPage:
    refusal = refusal_of(error)
    if refusal is None:
        raise error
    return RecordPage(refusal=refusal)


def _told(outcome: Outcome) -> Mapping[str, str]:
    return (outcome.http.told if outcome.http is not None else None) or {}


def _usage(outcome: Outcome) -> float:
    """Return the share of `api-usage=18/15000`; 0 where nothing is said."""
    used, _, allowed = _told(outcome).get(LIMIT_HEADER, "").partition("api-usage=")[2].partition(";")[0].partition("/")
    return int(used) / int(allowed) if is_number(used) and is_number(allowed) and int(allowed) else 0.0
