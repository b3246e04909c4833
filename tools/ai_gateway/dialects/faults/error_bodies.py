"""Error bodies as each dialect's clients read them."""

from typing import Literal

from tools.ai_gateway.dialects.faults.error_text import ErrorText
from tools.json_text import encode

ErrorForm = Literal["openai", "anthropic", "gemini", "bedrock", "workers_ai"]

_OPENAI_TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 402: "insufficient_quota", 403: "permission_error", 404: "not_found_error",
    408: "timeout_error", 409: "conflict_error", 413: "invalid_request_error", 422: "invalid_request_error", 429: "rate_limit_error",
}  # fmt: skip
_ANTHROPIC_TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error", 404: "not_found_error",
    408: "timeout_error", 409: "conflict_error", 413: "request_too_large", 422: "invalid_request_error", 429: "rate_limit_error",
    503: "overloaded_error", 504: "timeout_error", 529: "overloaded_error",
}  # fmt: skip
_GEMINI_NAMES = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 402: "FAILED_PRECONDITION", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 409: "ABORTED",
    413: "INVALID_ARGUMENT", 422: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 502: "UNAVAILABLE", 503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}  # fmt: skip
_WORKERS_BASE = 3000


def error_body(form: ErrorForm, status: int, said: ErrorText, request_id: str = "") -> bytes:
    """Return the body of an error in the form of a dialect; `request_id` where the dialect has a place for it."""
    message = said.message or f"the provider answered {status} and said nothing"
    if form == "anthropic":
        return encode(
            {
                "type": "error",
                "error": {"type": _ANTHROPIC_TYPES.get(status, "api_error"), "message": message},
                "request_id": request_id or None,
            }
        )
    if form == "gemini":
        return encode({"error": {"code": status, "message": message, "status": _GEMINI_NAMES.get(status, "INTERNAL")}})
    if form == "bedrock":
        return encode({"message": message})
    if form == "workers_ai":
        failure = {"code": _WORKERS_BASE + status, "message": message}
        return encode({"result": None, "success": False, "errors": [failure], "messages": []})
    kind = _OPENAI_TYPES.get(status, "server_error")
    return encode({"error": {"message": message, "type": kind, "param": said.param, "code": said.code or None}})
