"""What providers answer, as `oauth` is given it."""

from functools import partial
from typing import Any, cast

from multidict import CIMultiDict

from tools.egress.client import Egress


class Answer:
    status, body = 401, b""
    headers = CIMultiDict([("WWW-Authenticate", "Basic realm=x"), ("Date", "today"), ("www-authenticate", "Bearer a=b")])


class Outside:
    async def send(self, request: object) -> Any:
        return Answer()


async def test_several_fields_of_one_name_are_one_list() -> None:
    """RFC 9110 §5.2: a server that names Basic and Bearer in two fields names both."""
    send = partial(Egress.outbound, cast("Egress", Outside()))
    answer = await send("GET", "https://a.test/", headers={}, body=None, max_bytes=1, timeout_s=1)
    assert answer.headers == {"www-authenticate": "Basic realm=x, Bearer a=b", "date": "today"}
