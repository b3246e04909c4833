"""Several base URLs: weights, breakers, failover for what may be repeated."""

import asyncio
from dataclasses import replace

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.stand_ins import ADA, CLIENT, operation
from tools.egress.client import Egress
from tools.operation import Access, Again, Call, CallOptions, Failure, Json, Operation, Outcome
from tools.sources.http.base_urls import FAILURES, FIRST_PAUSE_S, LONGEST_PAUSE_S, Upstreams
from tools.sources.http.failover import Failover
from tools.sources.http.health_checks import HealthChecks

A, B, C = "https://a.test", "https://b.test", "https://c.test"


def served(*base_urls: Json, access: Access = "read", idempotent: bool | None = None) -> Operation:
    binding = {"base_url": A, "base_urls": list(base_urls)}
    return replace(operation("crm.contacts.get", access, idempotent=idempotent), binding=binding)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def fail(upstreams: Upstreams, url: str, times: int = FAILURES) -> None:
    for _ in range(times):
        upstreams.report(url, False)


@given(picks=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=50))
def test_calls_are_shared_out_by_weight(picks: list[float]) -> None:
    """A weight of 0 gets nothing while another is well."""
    queue = iter(picks)
    upstreams = Upstreams(Clock(), lambda: next(queue))
    place = served({"url": A, "weight": 3}, {"url": B, "weight": 1}, {"url": C, "weight": 0})
    assert [upstreams.choose(place) for _ in picks] == [A if pick < 0.75 else B for pick in picks]


def test_a_breaker_opens_after_failures_in_a_row_and_lets_one_call_through_later() -> None:
    """Closed, open, half-open, closed."""
    clock = Clock()
    upstreams = Upstreams(clock, lambda: 0.0)
    place = served(A, B)
    assert upstreams.choose(place) == A
    fail(upstreams, A, FAILURES - 1)
    upstreams.report(A, True)
    fail(upstreams, A, FAILURES - 1)
    assert upstreams.choose(place) == A
    upstreams.report(A, False)
    assert upstreams.choose(place) == B
    clock.now += FIRST_PAUSE_S
    assert upstreams.choose(place) == A
    assert upstreams.choose(place) == B, "one probe at a time"
    upstreams.report(A, True)
    assert upstreams.choose(place) == A


def test_each_failed_probe_doubles_the_pause_up_to_its_limit() -> None:
    """An upstream that stays down is asked less and less often."""
    clock = Clock()
    upstreams = Upstreams(clock, lambda: 0.0)
    place = served(A, B)
    upstreams.choose(place)
    fail(upstreams, A)
    pauses = []
    for _ in range(8):
        start = clock.now
        while upstreams.choose(place) != A:
            clock.now += 1
        pauses.append(clock.now - start)
        upstreams.report(A, False)
    assert pauses[:3] == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S]
    assert max(pauses) == LONGEST_PAUSE_S


def test_when_all_are_ill_one_is_still_called() -> None:
    """The caller learns the upstream's own failure, not ours."""
    upstreams = Upstreams(Clock(), lambda: 0.0)
    place = served(A, B)
    upstreams.choose(place)
    fail(upstreams, A)
    fail(upstreams, B)
    assert upstreams.choose(place) in (A, B)


def test_health_checks_heal_a_place_that_nobody_calls() -> None:
    """Active checks beside what calls tell."""
    upstreams = Upstreams(Clock(), lambda: 0.0)
    place = served({"url": A, "health_path": "healthz"}, B)
    upstreams.choose(place)
    assert upstreams.to_check() == [(A, f"{A}/healthz")]
    fail(upstreams, A)
    assert upstreams.state() == {A: "ill", B: "well"}
    upstreams.report(A, True)
    assert upstreams.state()[A] == "well"


class Places:
    """Answers by base URL: ok, or the failure that a test put there."""

    def __init__(self, **failures: Failure) -> None:
        self.failure_by_host = failures
        self.asked: list[str] = []

    async def run(self, call: Call) -> Outcome:
        url = call.operation.binding["base_url"]
        self.asked.append(url)
        failure = self.failure_by_host.get(url.removeprefix("https://").removesuffix(".test"))
        return Outcome("ok", data=url) if failure is None else Outcome("error", error=failure)


DOWN = Failure("upstream_unreachable", "no route")
BUSY = Failure("upstream_error", "crm answered 503", upstream={"status": 503, "body": ""})
REFUSED = Failure("upstream_not_found", "crm answered 404", upstream={"status": 404, "body": ""})


async def run(places: Places, place: Operation, *, left_s: float = 5) -> Outcome:
    again: Again = None  # type: ignore[assignment]  # a failover runs nothing else
    deadline = asyncio.get_running_loop().time() + left_s
    call = Call(ADA, place, {}, CallOptions(), "call_api", "t", deadline, CLIENT, again)
    return await Failover(Upstreams(Clock(), lambda: 0.0)).run(call, places.run)


@pytest.mark.parametrize("failure", [DOWN, BUSY])
async def test_what_may_be_repeated_goes_to_another_place(failure: Failure) -> None:
    """Failover for idempotent requests."""
    for place in (served(A, B, C), served(A, B, C, access="write", idempotent=True)):
        places = Places(a=failure, b=failure)
        assert (await run(places, place)).data == C
        assert places.asked == [A, B, C]


async def test_a_write_that_is_not_idempotent_never_goes_out_twice() -> None:
    """No retry of the call in the request path: broken off, timed out, a 503 of what stands before the upstream."""
    for failure in (Failure("upstream_reset", "broken off"), Failure("upstream_timeout", "no answer"), BUSY):
        places = Places(a=failure)
        outcome = await run(places, served(A, B, access="write", idempotent=False))
        assert (outcome.error, places.asked) == (failure, [A])


@pytest.mark.parametrize("failure", [DOWN, Failure("upstream_timeout", "no connection in time", sent=False)])
async def test_a_write_of_which_nothing_was_sent_goes_to_another_place(failure: Failure) -> None:
    """It goes out once: where nobody could be reached, nothing happened."""
    accesses: tuple[Access, ...] = ("write", "destructive")
    for access in accesses:
        places = Places(a=failure, b=failure)
        assert (await run(places, served(A, B, C, access=access, idempotent=False))).data == C
        assert places.asked == [A, B, C]
    places = Places(a=failure, b=BUSY)
    outcome = await run(places, served(A, B, C, access="write", idempotent=False))
    assert (outcome.error, places.asked) == (BUSY, [A, B])


async def test_an_answer_of_refusal_is_an_answer() -> None:
    """404 is no reason to ask another place."""
    places = Places(a=REFUSED)
    assert ((await run(places, served(A, B))).error, places.asked) == (REFUSED, [A])


async def test_the_last_failure_is_the_answer_when_no_place_or_no_time_is_left() -> None:
    """30 s in all, however many places there are."""
    places = Places(a=DOWN, b=BUSY)
    assert ((await run(places, served(A, B))).error, places.asked) == (BUSY, [A, B])
    places = Places(a=DOWN)
    assert ((await run(places, served(A, B), left_s=0.5)).error, places.asked) == (DOWN, [A])


async def test_an_operation_with_one_base_url_passes_straight_through() -> None:
    """No breaker refuses what has no alternative."""
    places = Places(a=DOWN)
    place = replace(served(), binding={"base_url": A})
    assert (await run(places, place)).error == DOWN


async def test_a_health_check_over_http_finds_out_who_is_well() -> None:
    """Active checks: 2xx is well; anything else, or silence, is ill."""
    status = 503

    async def healthz(request: web.Request) -> web.Response:
        assert "Authorization" not in request.headers
        return web.Response(status=status)

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    well = f"http://127.0.0.1:{runner.addresses[0][1]}"
    silent = "http://127.0.0.1:1"
    upstreams = Upstreams(Clock(), lambda: 0.0)
    upstreams.choose(served(*({"url": url, "health_path": "/healthz"} for url in (well, silent))))
    async with Egress(["127.0.0.1:*"]) as egress:
        checks = HealthChecks(upstreams, egress)
        for _ in range(FAILURES):
            await checks.check()
        assert upstreams.state() == {well: "ill", silent: "ill"}
        status = 204
        await checks.check()
        assert upstreams.state() == {well: "well", silent: "ill"}
    await runner.cleanup()
