"""The body and headers of a request as `dry_run` shows them."""

import json
from urllib.parse import quote

from tools.operation import Json
from tools.sources.http.credentials import MASK
from tools.sources.http.request_plan import BuiltRequest

MAX_SHOWN_BODY_CHARS = 4_000
SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})


def shown_body(built: BuiltRequest) -> Json:
    """Return a body as JSON or text, cut where it is long."""
    body = built.body or b""
    media_type = next((value for name, value in built.headers if name == "Content-Type"), "")
    if "json" in media_type and len(body) <= MAX_SHOWN_BODY_CHARS * 4:
        return json.loads(body)
    text = body.decode(errors="replace").replace(quote(MASK, safe=""), MASK)
    return text if len(text) <= MAX_SHOWN_BODY_CHARS else f"{text[:MAX_SHOWN_BODY_CHARS]}… ({len(body)} bytes)"


def shown_header(name: str, value: str) -> str:
    """Return the value of a header, masked where it is a secret that is not masked yet."""
    return MASK if name.lower() in SECRET_HEADERS and MASK not in value else value
