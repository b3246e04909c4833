"""What the demo CRM answers when it cannot do what was asked."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Problem(Exception):
    """An error answer: `code` is for programs, `extra` joins the body, `headers` the response."""

    status: int
    code: str
    message: str
    extra: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def body(self, request_id: str) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "request_id": request_id, **self.extra}


def not_found(kind: str, record_id: str) -> Problem:
    """Return the 404 for a record that is not there."""
    return Problem(404, "not_found", f"no {kind} {record_id!r}")


def conflict(message: str, **extra: Any) -> Problem:
    """Return the 409 for a change that the present state does not allow."""
    return Problem(409, "conflict", message, extra)


def invalid(*faults: tuple[str, str]) -> Problem:
    """Return the 422 that names every faulty field and its rule."""
    fields = [{"field": name, "message": message} for name, message in faults]
    return Problem(422, "invalid", "; ".join(f"{name}: {message}" for name, message in faults), {"fields": fields})
