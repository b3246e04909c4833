"""Salesforce's REST API as far as ingestion needs it: queries, deletions, bulk jobs, limits."""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from server.demo.salesforce.bulk import Jobs
from server.demo.salesforce.faults import SalesforceFaults
from server.demo.salesforce.oauth import oauth_routes, salesforce_machine, salesforce_provider
from server.demo.salesforce.objects import FIELDS
from server.demo.salesforce.org import VERSION, Org, plain, written
from server.demo.salesforce.sessions import Sessions
from server.demo.salesforce.soql import Soql, SoqlRefused, read_soql
from server.demo.stand_ins.clock import StandInClock
from server.demo.stand_ins.traffic import Traffic
from server.demo.stand_ins.vendor import Refused
from tools.sources.shipped_documents import shipped_document

DATA = f"/services/data/{VERSION}"
MOST_A_PAGE, LEAST_A_PAGE = 2000, 200
LOCATOR_S = 2 * 24 * 3600
Handler = Callable[[web.Request], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class _Found:
    """What a query found, kept for its locator."""

    query: Soql
    rows: Sequence[Mapping[str, Any]]
    found_at_s: float
    page_size: int


class SalesforceStandIn:
    """One org with `accounts` accounts, made on `first_day`: sixty days before the clock where None."""

    kind = "salesforce"

    def __init__(
        self,
        secret: str,
        *,
        clock: StandInClock | None = None,
        faults: SalesforceFaults | None = None,
        accounts: int = 200,
        first_day: datetime | None = None,
        seed: int = 1,
    ) -> None:
        self.clock, self.traffic = clock or StandInClock(), Traffic()
        self._faults = faults or SalesforceFaults()
        midnight = self.clock.now.replace(hour=0, minute=0, second=0, microsecond=0)
        self.org = Org(self.clock, self._faults, first_day or midnight - timedelta(days=60), accounts, seed)
        self.sessions = Sessions(secret, self.clock, self._faults)
        self._jobs = Jobs(self._faults)
        self._found: dict[str, _Found] = {}

    @property
    def faults(self) -> SalesforceFaults:
        return self._faults

    def routes(self) -> Iterable[web.RouteDef]:
        return [
            *oauth_routes(self.sessions),
            web.get(f"{DATA}/query", self._guarded(self._query)),
            web.get(f"{DATA}/queryAll", self._guarded(self._query_all)),
            web.get(DATA + "/query/{locator}", self._guarded(self._go_on)),
            web.get(DATA + "/sobjects/{kind}/deleted", self._guarded(self._deleted)),
            web.get(f"{DATA}/limits", self._guarded(self._limits)),
            web.post(f"{DATA}/jobs/query", self._guarded(self._create_job)),
            web.get(DATA + "/jobs/query/{job}", self._guarded(self._job)),
            web.get(DATA + "/jobs/query/{job}/results", self._guarded(self._results)),
        ]

    def openapi(self, base_url: str) -> dict[str, Any]:
        return shipped_document("salesforce") | {"servers": [{"url": base_url + DATA}]}

    def provider(self, base_url: str, auth: str) -> dict[str, Any]:
        return salesforce_machine(base_url) if auth == "client_credentials" else salesforce_provider(base_url)

    def refusal_of_rate(self, in_last_second: int) -> web.Response | None:
        return None

    def too_many(self) -> web.Response:
        return _errors(429, "REQUEST_LIMIT_EXCEEDED", "too many requests", {"retry-after": str(self._faults.retry_after_s)})

    def unavailable(self) -> web.Response:
        return _errors(503, "SERVER_UNAVAILABLE", "the server is temporarily unavailable")

    def steer(self, action: str, given: dict[str, Any]) -> dict[str, Any]:
        """`change` {object, id, fields}, `delete` {object, id}, `add` {object, fields}; `late_s`: committed that much later."""
        late_s = float(given.get("late_s", 0))
        match action:
            case "change":
                self.org.change(given["object"], given["id"], given["fields"], late_s)
            case "delete":
                self.org.delete(given["object"], given["id"])
            case "add":
                return {"id": self.org.add(given["object"], given["fields"], late_s)}
            case _:
                raise ValueError(f"{action!r} is nothing to do here; there are clock, faults, change, delete and add")
        return {"id": given["id"]}

    def _guarded(self, handler: Handler) -> Handler:
        """Return a handler that asks for a session, counts, and tells the limit."""

        async def guarded(request: web.Request) -> web.Response:
            if not self.sessions.check(request.headers.get("authorization", "").removeprefix("Bearer ")):
                raise Refused(_errors(401, "INVALID_SESSION_ID", "Session expired or invalid"))
            self._faults.requests_used += 1
            if self._faults.requests_used > self._faults.requests_allowed:
                raise Refused(_errors(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))
            try:
                response = await handler(request)
            except SoqlRefused as refused:
                raise Refused(_errors(400, refused.code, str(refused))) from refused
            response.headers["Sforce-Limit-Info"] = f"api-usage={self._faults.requests_used}/{self._faults.requests_allowed}"
            return response

        return guarded

    async def _query(self, request: web.Request) -> web.Response:
        return self._first_page(request, with_deleted=False)

    async def _query_all(self, request: web.Request) -> web.Response:
        return self._first_page(request, with_deleted=True)

    def _first_page(self, request: web.Request, *, with_deleted: bool) -> web.Response:
        query = self._read(request.query.get("q", ""))
        rows = self.org.found(query, with_deleted=with_deleted)
        if not query.fields:
            return web.json_response({"totalSize": len(rows), "done": True, "records": []})
        options = request.headers.get("sforce-query-options", "")
        asked = int(options.partition("batchSize=")[2] or MOST_A_PAGE)
        size = self._faults.page_size or min(max(asked, LEAST_A_PAGE), MOST_A_PAGE)
        locator = f"0r85g{len(self._found) + 1:010d}"
        self._found[locator] = _Found(query, rows, self.clock.seconds, size)
        return self._page(locator, 0)

    async def _go_on(self, request: web.Request) -> web.Response:
        locator, _, begin = request.match_info["locator"].partition("-")
        found = self._found.get(locator)
        is_early = self._faults.expired_locators > 0
        self._faults.expired_locators -= is_early
        if found is None or not begin.isdigit() or is_early or self.clock.seconds - found.found_at_s >= LOCATOR_S:
            raise Refused(_errors(400, "INVALID_QUERY_LOCATOR", "invalid query locator"))
        return self._page(locator, int(begin))

    def _page(self, locator: str, begin: int) -> web.Response:
        found = self._found[locator]
        following = begin + found.page_size
        records = [plain(found.query.kind, row, found.query.fields) for row in found.rows[begin:following]]
        answer: dict[str, Any] = {"totalSize": len(found.rows), "done": following >= len(found.rows), "records": records}
        if not answer["done"]:
            answer["nextRecordsUrl"] = f"{DATA}/query/{locator}-{following}"
        return web.json_response(answer)

    async def _deleted(self, request: web.Request) -> web.Response:
        kind = request.match_info["kind"]
        if kind not in FIELDS:
            raise Refused(_errors(404, "NOT_FOUND", "The requested resource does not exist"))
        begin, end = (_moment(request.query.get(name, "")) for name in ("start", "end"))
        if begin >= end or begin < self.org.earliest_deletion:
            raise Refused(_errors(400, "INVALID_REPLICATION_DATE", "startDate before org replication enabled date or after endDate"))
        records = [{"id": each, "deletedDate": written(at)} for each, at in self.org.deleted(kind, begin, end)]
        latest = written(min(end, self.clock.now))
        earliest = written(self.org.earliest_deletion)
        return web.json_response({"deletedRecords": records, "earliestDateAvailable": earliest, "latestDateCovered": latest})

    async def _limits(self, _request: web.Request) -> web.Response:
        left = self._faults.requests_allowed - self._faults.requests_used
        return web.json_response({"DailyApiRequests": {"Max": self._faults.requests_allowed, "Remaining": left}})

    async def _create_job(self, request: web.Request) -> web.Response:
        try:
            given = json.loads(await request.read())
            operation, text = given["operation"], given["query"]
        except (ValueError, KeyError, TypeError):
            raise Refused(_errors(400, "INVALIDJOB", "operation and query are required")) from None
        if operation not in ("query", "queryAll"):
            raise Refused(_errors(400, "INVALIDJOB", "operation must be query or queryAll"))
        query = self._read(text)
        rows = self.org.found(query, with_deleted=operation == "queryAll")
        return web.json_response(self._jobs.create(operation, text, query, rows).plain())

    async def _job(self, request: web.Request) -> web.Response:
        job = self._jobs.find(request.match_info["job"])
        if job is None:
            raise Refused(_errors(404, "NOT_FOUND", "The requested resource does not exist"))
        job.poll()
        return web.json_response(job.plain())

    async def _results(self, request: web.Request) -> web.Response:
        job = self._jobs.find(request.match_info["job"])
        if job is None or job.state != "JobComplete":
            raise Refused(_errors(400, "INVALIDJOBSTATE", "results are there when the job is complete"))
        most = int(request.query.get("maxRecords", "50000"))
        text, locator, count = self._jobs.results(job, request.query.get("locator"), most)
        headers = {"Sforce-Locator": locator, "Sforce-NumberOfRecords": str(count)}
        return web.Response(body=text.encode(), content_type="text/csv", charset="utf-8", headers=headers)

    def _read(self, text: str) -> Soql:
        return read_soql(text, frozenset(each.strip() for each in self._faults.hidden_fields.split(",")))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise Refused(_errors(400, "INVALID_REPLICATION_DATE", f"not a date: {text[:40]}")) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _errors(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response([{"message": message, "errorCode": code}], status=status, headers=headers)
