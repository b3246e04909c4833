"""What the edge itself answers instead of a backend."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from server.request_scope import Headers


@dataclass
class EdgeRefused(Exception):
    """The edge answers `status`; `details` go into the body beside code and message, `cause` into the record alone."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, object] = field(default_factory=dict)
    cause: str = ""

    def __str__(self) -> str:
        return self.message

    def body(self, trace_id: str) -> bytes:
        """Return the answer's body: the form that OAuth gave to errors (RFC 6749 §5.2), as elsewhere here."""
        return orjson.dumps({"error": self.code, "error_description": self.message, **self.details, "trace_id": trace_id})

    def fields(self) -> Headers:
        """Return the answer's header fields, but for its length."""
        told = [(name.encode(), value.encode("latin-1", "replace")) for name, value in self.headers.items()]
        return [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), *told]
