"""The form of a request, of a person's browser or of a machine: urlencoded in UTF-8, small, in time, and in most places nothing twice."""

import re
from typing import Final

from starlette.requests import Request

from oauth.errors import OAuthError
from oauth.parameters import MAX_FIELDS, Parameters, parse, refuse_repeated
from server.request_body import ClientGone, read_body

MAX_FORM_BYTES: Final = 64 * 1024
FORM_TIMEOUT_S = 10.0
FORM_TYPE: Final = "application/x-www-form-urlencoded"
#: charsets in which ASCII is not written as ASCII
_WIDE_CHARSET = re.compile(r"""charset\s*=\s*["']?(?:utf-?_?(?:7|16|32)|ucs|csutf|unicode|iso-10646|cp037|cp500|ebcdic)""", re.IGNORECASE)


class FormUnreadable(Exception):
    """The body is not a form that we take; `status` is what a page's answer carries."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


async def read_form(request: Request, *, max_fields: int = MAX_FIELDS) -> Parameters:
    """Return the fields of a post, each at most once. Raises FormUnreadable."""
    fields = await read_fields(request, max_fields=max_fields)
    try:
        refuse_repeated(fields)
    except OAuthError as error:
        raise FormUnreadable(400, error.description) from error
    return fields


async def read_fields(request: Request, *, max_fields: int = MAX_FIELDS) -> Parameters:
    """Return the fields of a post, of which some may have come twice. Raises FormUnreadable.

    The type has no parameters (WHATWG URL §5), but clients send some: `charset=ISO-8859-1` of a body in ASCII, a `boundary` left
    over from another form. The body decides, which is read as UTF-8; only what cannot be that is refused by its name. Multipart
    bodies are refused: nobody has to send one, and their parsers have been a way to exhaust servers.
    """
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    if media_type.strip().lower() != FORM_TYPE:
        raise FormUnreadable(415, f"send the form as {FORM_TYPE}")
    if _WIDE_CHARSET.search(parameters):
        raise FormUnreadable(415, "send the form in UTF-8")
    try:
        body = await read_body(request.receive, MAX_FORM_BYTES, FORM_TIMEOUT_S)
    except TimeoutError as error:
        raise FormUnreadable(408, f"the form did not arrive within {FORM_TIMEOUT_S:.0f} seconds; send it again") from error
    except ClientGone as error:
        raise FormUnreadable(400, "the form did not arrive whole") from error
    if body is None:
        raise FormUnreadable(413, f"the form is larger than {MAX_FORM_BYTES // 1024} KB")
    try:
        return parse(body, max_fields)
    except OAuthError as error:
        raise FormUnreadable(400, error.description) from error
