"""A refusal as JSON, in the form that OAuth gave to errors (RFC 6749 §5.2)."""

from collections.abc import Mapping

import orjson
from starlette.responses import Response


def json_error(
    status: int, code: str, description: str, *, headers: Mapping[str, str] | None = None, trace_id: str | None = None
) -> Response:
    """Return an error body in the shape of RFC 6749 §5.2, which OAuth and plain HTTP clients both read."""
    body = {"error": code, "error_description": description}
    if trace_id is not None:
        body["trace_id"] = trace_id
    return Response(orjson.dumps(body), status, dict(headers) if headers else None, "application/json")
