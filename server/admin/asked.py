"""What a request to the administration's API asks: limit and cursor, a time, a body."""

import time
from collections.abc import Sequence

import orjson
from starlette.requests import Request

from server.admin.administrators import Administrator
from server.admin.lists.cursors import part
from server.admin.lists.moment import moment_us
from server.admin.refusals import AdminRefused, invalid
from server.request_body import MAX_BODY_BYTES, read_body
from tools.operation import Json

MAX_LIMIT = 200
DEFAULT_LIMIT = 50
#: nothing is kept for longer (operations contract, "Retention")
MAX_SINCE_DAYS = 400
_CURSOR = "cursor: give the next_cursor of the page before, as it came"
#: the scope's key under which who asks stands
ADMINISTRATOR = "ascend.administrator"


def administrator_of(request: Request) -> Administrator:
    """Return who asks; server/admin/guard.py put them there."""
    found = request.scope[ADMINISTRATOR]
    assert isinstance(found, Administrator)
    return found


def limit_of(request: Request) -> int:
    """Return how many rows a page has."""
    said = request.query_params.get("limit", str(DEFAULT_LIMIT))
    if not (said.isascii() and said.isdigit() and len(said) < 10 and 1 <= int(said) <= MAX_LIMIT):
        raise invalid(f"limit: give a number from 1 to {MAX_LIMIT}")
    return int(said)


def part_of(request: Request, rows: Sequence[Json], *key: str) -> tuple[Sequence[Json], str | None]:
    """Return the rows of the page that is asked for, of a list that is in memory as a whole, and the cursor of the next.

    key: the members that tell rows apart.
    """
    return part(rows, limit_of(request), request.query_params.get("cursor"), key)


def row_cursor(request: Request) -> tuple[int, str] | None:
    """Return the time and id of the row that the last page ended with."""
    said = request.query_params.get("cursor")
    if said is None:
        return None
    at, _, row_id = said.partition(".")
    if not (at.isascii() and at.isdigit() and len(at) < 19 and row_id):
        raise invalid(_CURSOR)
    return int(at), row_id


def since_us(request: Request, default_us: int) -> int:
    """Return from when rows count: `since`, a date or a time (ISO 8601; UTC where it names no zone), at most MAX_SINCE_DAYS ago."""
    said = request.query_params.get("since")
    if said is None:
        return default_us
    try:
        asked_us = moment_us(said)
    except ValueError as error:
        raise invalid("since: give a date or a time, as 2026-12-31 or 2026-12-31T12:00:00Z") from error
    if asked_us < time.time_ns() // 1_000 - MAX_SINCE_DAYS * 86_400_000_000:
        raise invalid(f"since: it is longer ago than {MAX_SINCE_DAYS} days", "ask from a later day on")
    return asked_us


async def raw_body(request: Request) -> bytes:
    """Return the body. Raises AdminRefused, TimeoutError, ClientGone."""
    raw = await read_body(request.receive)
    if raw is None:
        raise AdminRefused(413, "too_large", f"the body has more than {MAX_BODY_BYTES:,} bytes")
    return raw


def json_of(raw: bytes) -> dict[str, Json]:
    """Return a body that is a JSON object."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise invalid(f"the body is no JSON (RFC 8259) in UTF-8: {error}") from error
    if not isinstance(value, dict):
        raise invalid("the body is no JSON object")
    return value
