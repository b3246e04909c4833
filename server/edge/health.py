"""`/health`: whether routes have somebody to answer them, for monitors that know nothing else of the gateway."""

from collections.abc import Sequence
from datetime import UTC, datetime

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from server.edge.route import Route


async def answer_health(routes: Sequence[Route], scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 200 with `status` "ok" or "degraded", the time, and each route as "up" or "down"; only GET and HEAD."""
    if scope["method"] not in ("GET", "HEAD"):
        await Response(status_code=405, headers={"allow": "GET, HEAD"})(scope, receive, send)
        return
    standing = {route.label: "up" if any(each.weight and each.may_answer for each in route.backends.all) else "down" for route in routes}
    status = "degraded" if "down" in standing.values() else "ok"
    body = orjson.dumps({"status": status, "timestamp": datetime.now(UTC).isoformat(timespec="seconds"), "edge": standing})
    await Response(body, 200, {"cache-control": "no-store"}, "application/json")(scope, receive, send)
