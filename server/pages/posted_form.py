"""Read the form of a page: urlencoded, small, nothing sent twice."""

from starlette.requests import Request

from oauth.errors import OAuthError
from oauth.parameters import Parameters, parse_form

MAX_FORM_BYTES = 64 * 1024


class FormUnreadable(Exception):
    """The body is not a form that our pages send; `status` is what the answer carries."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


async def read_form(request: Request) -> Parameters:
    """Return the fields of a post. Raises FormUnreadable.

    Multipart bodies are refused: our forms never send one, and their parsers have been a way to exhaust servers.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise FormUnreadable(415, "send the form as application/x-www-form-urlencoded")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise FormUnreadable(413, f"the form is larger than {MAX_FORM_BYTES // 1024} KB")
    try:
        return parse_form(bytes(body))
    except OAuthError as error:
        raise FormUnreadable(400, error.description) from error
