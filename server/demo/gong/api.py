"""Gong's API v2 as far as ingestion needs it: one handler an operation."""

import base64
import hmac
import json
import math
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from aiohttp import web

from server.demo.gong.answers import WORKSPACE, call_context, call_metadata, call_parties, call_transcript, user
from server.demo.gong.calls import GongCall, GongCalls, is_nth
from server.demo.gong.cursors import CursorRefused, Cursors
from server.demo.gong.faults import GongFaults
from server.demo.stand_ins.clock import StandInClock
from server.demo.stand_ins.companies import REPS
from server.demo.stand_ins.traffic import Traffic
from server.demo.stand_ins.vendor import Refused
from tools.sources.shipped_documents import shipped_document

ACCESS_KEY = "GONGDEMOACCESSKEY"
REQUESTS_PER_S, REQUESTS_PER_DAY = 3, 10_000


class GongStandIn:
    """One company's Gong: `per_day` calls on each day from `first_day` on, thirty days before the clock where None."""

    kind = "gong"

    def __init__(
        self,
        secret: str,
        *,
        clock: StandInClock | None = None,
        faults: GongFaults | None = None,
        per_day: int = 500,
        first_day: date | None = None,
        seed: int = 1,
        days: int | None = None,
    ) -> None:
        self.clock, self.traffic = clock or StandInClock(), Traffic()
        self._faults = faults or GongFaults()
        self.calls = GongCalls(first_day or self.clock.now.date() - timedelta(days=30), per_day, seed, self._faults, days)
        self._cursors = Cursors(self.clock, self._faults)
        self._authorization = "Basic " + base64.b64encode(f"{ACCESS_KEY}:{secret}".encode()).decode()
        #: call id -> how often its details were asked for in vain
        self._missed: dict[str, int] = {}
        self._today: tuple[date, int] = (self.clock.now.date(), 0)
        self._requests = 0

    @property
    def faults(self) -> GongFaults:
        return self._faults

    def routes(self) -> Iterable[web.RouteDef]:
        return [
            web.get("/v2/calls", self._list),
            web.post("/v2/calls/extensive", self._details),
            web.post("/v2/calls/transcript", self._transcripts),
            web.get("/v2/users", self._users),
            web.get("/v2/workspaces", self._workspaces),
        ]

    def openapi(self, base_url: str) -> dict[str, Any]:
        return shipped_document("gong") | {"servers": [{"url": base_url}]}

    def provider(self, _base_url: str, _auth: str) -> dict[str, Any]:
        return {"id": "gong", "title": "Gong stand-in", "auth": "basic", "key_help": f"user name {ACCESS_KEY}"}

    def refusal_of_rate(self, in_last_second: int) -> web.Response | None:
        today = self.clock.now.date()
        self._today = (today, self._today[1] + 1 if self._today[0] == today else 1)
        return self.too_many() if in_last_second > REQUESTS_PER_S or self._today[1] > REQUESTS_PER_DAY else None

    def too_many(self) -> web.Response:
        return self._error(429, "API rate limit exceeded", retry_after_s=self._faults.retry_after_s)

    def unavailable(self) -> web.Response:
        return self._error(503, "Service temporarily unavailable")

    def steer(self, action: str, given: dict[str, Any]) -> dict[str, Any]:
        """`delete` and `change` take {"call_id"}: from now on it is gone, or another version of it there."""
        changes = {"delete": self.calls.deleted, "change": self.calls.changed}
        if action not in changes:
            raise ValueError(f"{action!r} is nothing to do here; there are clock, faults, delete and change")
        if self.calls.find(str(given["call_id"]), self.clock.now) is None:
            raise ValueError(f"no call {given['call_id']!r}")
        changes[action][str(given["call_id"])] = self.clock.now
        return {"call_id": given["call_id"]}

    async def _list(self, request: web.Request) -> web.Response:
        self._authenticate(request)
        query = dict(request.query)
        return self._paged("calls", query, lambda: self._started(query, "calls"), self._metadata)

    async def _details(self, request: web.Request) -> web.Response:
        self._authenticate(request)
        body = await self._body(request)
        exposed = body.get("contentSelector", {})
        wanted = exposed.get("exposedFields", {})

        def detail(call: GongCall) -> dict[str, Any]:
            told: dict[str, Any] = {"metaData": self._metadata(call)}
            if wanted.get("parties"):
                told["parties"] = [] if is_nth(call, self._faults.parties_missing_every) else call_parties(call)
            if exposed.get("context", "None") != "None":
                told["context"] = call_context(call)
            return told

        def found() -> list[GongCall]:
            return self._some([call for call in self._filtered(body) if not self._is_missing(call)])

        return self._paged("calls", body, found, detail)

    async def _transcripts(self, request: web.Request) -> web.Response:
        self._authenticate(request)
        body, now = await self._body(request), self.clock.now

        def found() -> list[GongCall]:
            return self._some([call for call in self._filtered(body) if self.calls.has_transcript(call, now)])

        return self._paged("callTranscripts", body, found, lambda call: call_transcript(call, self.calls.version(call, now)))

    async def _users(self, request: web.Request) -> web.Response:
        self._authenticate(request)
        return self._paged("users", dict(request.query), lambda: list(REPS), user)

    async def _workspaces(self, request: web.Request) -> web.Response:
        self._authenticate(request)
        return self._answer({"workspaces": [{"id": WORKSPACE, "name": "Sales", "description": ""}]})

    def _metadata(self, call: GongCall) -> dict[str, Any]:
        now = self.clock.now
        return call_metadata(call, self.calls.version(call, now), is_private=self.calls.is_private(call, now))

    def _filtered(self, body: dict[str, Any]) -> list[GongCall]:
        wanted = body.get("filter")
        if not isinstance(wanted, dict):
            raise self._refused(400, "filter is required")
        if "callIds" in wanted:
            found = (self.calls.find(str(each), self.clock.now) for each in wanted["callIds"])
            return self._some([call for call in found if call is not None])
        return self._started(wanted, "filter")

    def _started(self, given: dict[str, Any], where: str) -> list[GongCall]:
        now = self.clock.now
        try:
            begin = datetime.fromisoformat(given["fromDateTime"]) if "fromDateTime" in given else datetime.min.replace(tzinfo=UTC)
            end = datetime.fromisoformat(given["toDateTime"]) if "toDateTime" in given else now
        except ValueError:
            raise self._refused(400, f"{where}: fromDateTime and toDateTime must be ISO-8601 date-times with an offset") from None
        if begin.tzinfo is None or end.tzinfo is None:
            raise self._refused(400, f"{where}: fromDateTime and toDateTime must have an offset")
        if begin >= end:
            raise self._refused(400, "fromDateTime must be before toDateTime")
        return self._some(self.calls.started_within(begin, end, now))

    def _some(self, found: list[GongCall]) -> list[GongCall]:
        """Nothing found is an error here, and no empty list."""
        if not found:
            raise self._refused(404, "No calls found corresponding to the provided filters")
        return found

    def _is_missing(self, call: GongCall) -> bool:
        if not is_nth(call, self._faults.details_missing_every) or self._missed.get(call.call_id, 0) >= self._faults.details_missing:
            return False
        self._missed[call.call_id] = self._missed.get(call.call_id, 0) + 1
        return True

    def _paged(
        self, name: str, given: dict[str, Any], find: Callable[[], Sequence[Any]], tell: Callable[[Any], dict[str, Any]]
    ) -> web.Response:
        request = json.dumps({key: value for key, value in given.items() if key != "cursor"}, sort_keys=True)
        try:
            cursor = given.get("cursor")
            items, records = self._cursors.next(request, cursor) if cursor else self._cursors.first(request, find())
        except CursorRefused as error:
            raise self._refused(400, str(error)) from error
        return self._answer({"records": records, name: [tell(item) for item in items]})

    async def _body(self, request: web.Request) -> dict[str, Any]:
        try:
            body = json.loads(await request.read() or b"{}")
        except ValueError:
            raise self._refused(400, "the body is not JSON") from None
        if not isinstance(body, dict):
            raise self._refused(400, "the body is no object")
        return body

    def _authenticate(self, request: web.Request) -> None:
        given = request.headers.get("authorization", "")
        is_refused = self._faults.unauthorized > 0
        self._faults.unauthorized -= is_refused
        if is_refused or not hmac.compare_digest(given.encode(), self._authorization.encode()):
            raise self._refused(401, "Invalid or missing access key")

    def _answer(self, body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
        self._requests += 1
        return web.json_response({"requestId": f"req{self._requests:08d}", **body}, status=status, headers=headers)

    def _error(self, status: int, text: str, retry_after_s: float | None = None) -> web.Response:
        headers = {} if retry_after_s is None else {"retry-after": str(math.ceil(retry_after_s))}
        return self._answer({"errors": [text]}, status, headers)

    def _refused(self, status: int, text: str) -> Refused:
        return Refused(self._error(status, text))
