"""Read the form of a page: urlencoded, small, nothing sent twice."""

from starlette.requests import Request

from oauth.errors import OAuthError
from oauth.parameters import MAX_FIELDS, Parameters, parse_form
from server.request_body import ClientGone, read_body

MAX_FORM_BYTES = 64 * 1024
FORM_TIMEOUT_S = 10.0


class FormUnreadable(Exception):
    """The body is not a form that our pages send; `status` is what the answer carries."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


async def read_form(request: Request, *, max_fields: int = MAX_FIELDS) -> Parameters:
    """Return the fields of a post. Raises FormUnreadable.

    Multipart bodies are refused: our forms never send one, and their parsers have been a way to exhaust servers.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise FormUnreadable(415, "send the form as application/x-www-form-urlencoded")
    try:
        body = await read_body(request.receive, MAX_FORM_BYTES, FORM_TIMEOUT_S)
    except TimeoutError as error:
        raise FormUnreadable(408, f"the form did not arrive within {FORM_TIMEOUT_S:.0f} seconds; send it again") from error
    except ClientGone as error:
        raise FormUnreadable(400, "the form did not arrive whole") from error
    if body is None:
        raise FormUnreadable(413, f"the form is larger than {MAX_FORM_BYTES // 1024} KB")
    try:
        return parse_form(body, max_fields)
    except OAuthError as error:
        raise FormUnreadable(400, error.description) from error
