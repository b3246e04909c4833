"""How often one principal may come: what is left is told by every answer, and nobody uses up another's."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.responses import Response

from server.admin.guard import BUCKET, AdminGuard
from server.rate_limits import Limit, RateLimits
from tests.gateway import NOWHERE
from tests.server.admin.conftest import Administration


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def http(admin: Administration, clock: Clock) -> AsyncIterator[httpx2.AsyncClient]:
    """Two requests at once, then one in thirty seconds."""
    limits = RateLimits(limits={BUCKET: Limit(2, 2)}, clock=clock)
    guarded = AdminGuard(Response("well"), admin.administrators(), limits)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(guarded), base_url=NOWHERE) as client:
        yield client


async def asked(http: httpx2.AsyncClient, token: str) -> httpx2.Response:
    return await http.get("/admin/api/calls", headers={"authorization": f"Bearer {token}"})


async def test_a_principal_is_told_what_is_left_and_refused_with_the_time_when_nothing_is(
    admin: Administration, http: httpx2.AsyncClient, clock: Clock
) -> None:
    """draft-ietf-httpapi-ratelimit-headers-11; RFC 6585 §4."""
    left = [await asked(http, admin.acme) for _ in range(2)]
    assert [each.headers["ratelimit"] for each in left] == ['"principal";r=1;t=30', '"principal";r=0;t=60']
    assert {each.headers["ratelimit-policy"] for each in left} == {'"principal";q=2;w=60'}
    refused = await asked(http, admin.acme)
    assert (refused.status_code, refused.headers["retry-after"], refused.headers["ratelimit"]) == (429, "30", '"principal";r=0;t=60')
    assert refused.json()["error"]["code"] == "rate_limited"
    assert refused.json().keys() == {"error", "trace_id"}
    clock.now += 30
    assert (await asked(http, admin.acme)).status_code == 200


async def test_one_principal_uses_up_nobody_elses_and_other_tokens_of_theirs_have_no_more(
    admin: Administration, http: httpx2.AsyncClient
) -> None:
    subject, token = await admin.administrator("globex", "owner@globex.test")
    for _ in range(2):
        await asked(http, token)
    assert (await asked(http, await admin.token("globex", subject))).status_code == 429
    assert (await asked(http, admin.acme)).status_code == 200


async def test_whoever_is_nobody_uses_up_nothing(admin: Administration, http: httpx2.AsyncClient) -> None:
    for _ in range(4):
        assert (await asked(http, "unknown")).status_code == 401
    assert (await asked(http, admin.acme)).headers["ratelimit"] == '"principal";r=1;t=30'


async def test_the_gateway_limits_its_administration(admin: Administration) -> None:
    answer = await admin.api("GET", "tenants", admin.acme)
    assert answer.headers["ratelimit-policy"] == '"principal";q=300;w=30'
