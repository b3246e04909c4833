"""A provider that sends its answer as a form: the browser comes again with the same answer as a query.

With `response_mode=form_post` (OAuth 2.0 Form Post Response Mode) the post comes from the provider's site, so the browser leaves
our SameSite=Lax cookies away and nobody could tell whose answer it is. After a 303 it comes with them, and what the callback checks
of every answer, state, browser and person, is checked there.
"""

from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from server.pages.page import see_other
from server.pages.refusals import PageRefused
from server.posted_form import read_form

#: RFC 6749 §4.1.2, RFC 9207; nothing else of a form goes into an address
_ANSWER = ("code", "state", "iss", "error", "error_description")
MAX_QUERY_CHARS = 8192


async def posted_answer(request: Request) -> Response:
    """Return the way to the same callback by GET. Raises FormUnreadable, PageRefused."""
    form = await read_form(request)
    query = urlencode({name: value for name in _ANSWER if (value := form.get(name)) is not None})
    if len(query) > MAX_QUERY_CHARS:
        raise PageRefused(413, "This answer is too long", "What the provider sent does not fit. Whoever set it up here has to look at it.")
    return see_other(f"{quote(request.scope['path'])}?{query}")
