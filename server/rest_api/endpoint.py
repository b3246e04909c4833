"""Answers what comes to the URLs of operations: who calls, which operation the URL means, and its outcome as HTTP."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from oauth.principal import Principal
from server.observability.trace_context import carrier_of, trace_id_of
from server.request_body import ClientGone
from server.request_scope import ALLOWED_HEADERS, CORS
from server.rest_api.bodies import arguments_in
from server.rest_api.callers import RestCallers
from server.rest_api.refusals import Answer, RequestRefused, answer_of
from server.rest_api.routes import LISTS, Asked, paths, read_route
from server.storage.database import StoreUnavailable
from tools.json_text import encode
from tools.operation import CallOptions, ClientInfo, Json, Outcome

log = logging.getLogger("ascend.rest")

#: the door is told that no MCP client asks
REST = ClientInfo("", name="rest")
MAX_KEY_CHARS = 255
#: more digits are no number that a page has
_NUMBER = re.compile(r"[0-9]{1,9}")


class Dispatch(Protocol):
    """The one door of `tools`."""

    async def call(
        self,
        principal: Principal,
        name: str,
        arguments: Mapping[str, Json],
        *,
        client: ClientInfo,
        trace_id: str | None = None,
        options: CallOptions = ...,
    ) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class RestEndpoint:
    """An ASGI application for every operation that has a URL: it knows URLs and bodies, and nothing of what they mean."""

    dispatcher: Dispatch
    callers: RestCallers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._answer(scope, receive)
        except RequestRefused as refusal:
            answer = refusal.answer
        except StoreUnavailable as error:
            log.error("store_failed", exc_info=error, extra={"facts": {"path": scope["path"]}})
            answer = RequestRefused(503, "busy", "the store does not answer", "try again", {"retry-after": "1"}).answer
        except ClientGone:
            return
        await _send(scope, send, answer, self._cors(scope))

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        path = scope.get("raw_path", scope["path"].encode()).decode("latin-1").partition("?")[0]
        asked = read_route(path, scope["method"])
        if scope["method"] == "OPTIONS":
            return _preflight(asked)
        # Before anything is said of a path: a 401 is the same everywhere.
        principal = await self.callers.principal(scope)
        if not isinstance(asked, Asked):
            raise _nothing(path, scope["method"], asked)
        headers = Headers(scope=scope)
        given = await arguments_in(asked.route.body, headers, receive)
        # Programs write null for what they leave out.
        said = {name: value for name, value in given.items() if value is not None}
        options, given = _options(asked, headers, {**_in_query(asked, scope), **said})
        outcome = await self.dispatcher.call(
            principal,
            asked.route.operation,
            {**given, **asked.arguments},
            client=REST,
            trace_id=trace_id_of(carrier_of(None, headers)),
            options=options,
        )
        answer = answer_of(outcome, asked.route.status)
        if outcome.error is not None and outcome.error.missing_scopes:
            stepped = self.callers.step_up(scope, principal, outcome.error.missing_scopes)
            answer = replace(answer, headers={**answer.headers, **stepped})
        return answer

    def _cors(self, scope: Scope) -> Mapping[str, str]:
        # A page that may not call learns nothing, not even from refusals (server/bearer.py).
        is_refused = any(name == b"origin" and not self.callers.takes_origin(value) for name, value in scope["headers"])
        return {} if is_refused else CORS


def _in_query(asked: Asked, scope: Scope) -> dict[str, Json]:
    """Return the arguments that stand in the URL's query. Raises RequestRefused for what it may not carry."""
    found: dict[str, Json] = {}
    for name, value in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True):
        if name == "confirm" and asked.route.confirms:
            found[name] = value
        elif name not in asked.route.takes:
            may = ", ".join(sorted(asked.route.takes)) or "nothing"
            raise RequestRefused(400, "invalid_arguments", f"the query of this URL takes {may}, not {name[:60]!r}", "send it in the body")
        elif name in found:
            raise RequestRefused(400, "invalid_arguments", f"{name!r} stands in the URL twice", "send it once")
        else:
            found[name] = _said(name, value)
    return found


def _said(name: str, value: str) -> Json:
    """Return an argument as the query writes it."""
    if name in LISTS:
        return value.split(",")
    return {"true": True, "false": False}.get(value, int(value) if name == "limit" and _NUMBER.fullmatch(value) else value)


def _options(asked: Asked, headers: Headers, given: dict[str, Json]) -> tuple[CallOptions, dict[str, Json]]:
    """Return how the operation is run, and the arguments without what says so. Programs get answers whole."""
    confirm = given.pop("confirm", None) if asked.route.confirms else None
    if confirm is not None and not isinstance(confirm, str):
        raise RequestRefused(400, "invalid_arguments", "confirm is not a text", "send the `confirm` of the 428 as it came")
    key = headers.get("idempotency-key") or None
    if key is not None and len(key) > MAX_KEY_CHARS:
        raise RequestRefused(400, "invalid_arguments", f"Idempotency-Key has more than {MAX_KEY_CHARS} characters")
    return CallOptions(max_chars=None, confirm=confirm, idempotency_key=key), given


def _nothing(path: str, method: str, methods: tuple[str, ...]) -> RequestRefused:
    if methods:
        # RFC 9110 §15.5.6: 405 MUST say what is allowed.
        return RequestRefused(405, "not_found", f"there is nothing for {method} at this address", "", {"allow": ", ".join(methods)})
    return RequestRefused(404, "not_found", "there is nothing at this address", f"there are {', '.join(paths())}")


def _preflight(asked: Asked | tuple[str, ...]) -> Answer:
    methods = "GET, HEAD, POST, DELETE, OPTIONS" if isinstance(asked, Asked) or not asked else ", ".join(asked)
    headers = {
        "access-control-allow-methods": methods,
        "access-control-allow-headers": f"Idempotency-Key, {ALLOWED_HEADERS}",
        "access-control-max-age": "86400",
        "allow": methods,
    }
    return Answer(204, None, headers)


async def _send(scope: Scope, send: Send, answer: Answer, cors: Mapping[str, str]) -> None:
    body = b"" if answer.body is None else encode(answer.body)
    headers = {**cors, **answer.headers}
    if not cors:
        headers = {name: value for name, value in headers.items() if not name.startswith("access-control-")}
    if answer.status != 204:
        headers |= {"content-type": "application/json", "content-length": str(len(body)), "cache-control": "no-store"}
    raw = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
