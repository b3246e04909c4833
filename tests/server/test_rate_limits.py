"""GCRA: a burst at once, then a steady rate; bounded memory."""

import re
from contextlib import suppress

import pytest

from server.rate_limits import KEPT_FOR_ANYBODY, LIMITS, Limit, RateLimited, RateLimits, address_key, is_shared, network_key
from tests.conftest import REPOSITORY


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def taken(limits: RateLimits, key: str, tries: int) -> int:
    count = 0
    for _ in range(tries):
        try:
            await limits.check("try", key)
            count += 1
        except RateLimited:
            break
    return count


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_a_burst_passes_and_then_a_steady_rate(clock: Clock) -> None:
    """6 a minute after 5 at once: one every ten seconds."""
    limits = RateLimits(limits={"try": Limit(6, 5)}, clock=clock)
    assert await taken(limits, "a", 10) == 5
    with pytest.raises(RateLimited) as refused:
        await limits.check("try", "a")
    assert refused.value.retry_after_s == pytest.approx(10)
    clock.now += 10
    assert await taken(limits, "a", 10) == 1
    clock.now += 3600
    assert await taken(limits, "a", 10) == 5


async def test_a_refused_try_takes_nothing(clock: Clock) -> None:
    """Hammering does not postpone the next one that fits."""
    limits = RateLimits(limits={"try": Limit(6, 1)}, clock=clock)
    assert await taken(limits, "a", 1) == 1
    for _ in range(50):
        clock.now += 0.1
        with pytest.raises(RateLimited):
            await limits.check("try", "a")
    clock.now += 5
    assert await taken(limits, "a", 5) == 1


async def test_keys_do_not_disturb_each_other(clock: Clock) -> None:
    """One address that guesses leaves others alone."""
    limits = RateLimits(limits={"try": Limit(6, 5)}, clock=clock)
    assert await taken(limits, "a", 10) == 5
    assert await taken(limits, "b", 10) == 5


async def test_what_was_right_is_given_back(clock: Clock) -> None:
    """A person who signs in often is no guesser."""
    limits = RateLimits(limits={"try": Limit(6, 2)}, clock=clock)
    for _ in range(20):
        await limits.check("try", "a")
        limits.give_back("try", "a")
    assert await taken(limits, "a", 10) == 2


@pytest.mark.parametrize(("scale", "passes"), [(1e6, 5000), (2, 10), (0.2, 1)])
async def test_the_scale_multiplies_every_limit(clock: Clock, scale: float, passes: int) -> None:
    """ASCEND_RATE_LIMIT_SCALE (contracts.md)."""
    limits = RateLimits(limits={"try": Limit(6, 5)}, clock=clock, scale=scale)
    assert await taken(limits, "a", passes) == passes
    if scale < 1e6:
        assert await taken(limits, "a", 1) == 0


async def test_memory_is_bounded_and_the_guilty_are_kept(clock: Clock) -> None:
    """X4: a flood of addresses cannot fill the memory."""
    limits = RateLimits(limits={"try": Limit(6, 5)}, clock=clock, max_keys=100)
    for number in range(1000):
        await limits.check("try", str(number))
        if number % 20 == 0:
            await taken(limits, "guilty", 10)
    assert len(limits) <= 100
    assert await taken(limits, "guilty", 1) == 0


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "unknown"),
        (None, "unknown"),
    ],
)
def test_an_ipv6_host_is_one_caller_whatever_address_it_uses(address: str | None, key: str) -> None:
    """A host is given a /64, so it can change addresses within it at will."""
    assert address_key(address) == key


async def test_a_shared_limit_that_many_use_up_stays_open_for_newcomers(clock: Clock) -> None:
    """Eleven addresses closed registration for everybody."""
    limits = RateLimits(limits={"all": Limit(6, 5), "own": Limit(6, 1)}, clock=clock)
    for _ in range(5):
        assert await limits.check_shared(("all", "x"), ("own", "flood")) == ("all", "x")
    assert await limits.check_shared(("all", "x"), ("own", "flood")) == ("own", "flood")
    with pytest.raises(RateLimited):
        await limits.check_shared(("all", "x"), ("own", "flood"))
    assert await limits.check_shared(("all", "x"), ("own", "newcomer")) == ("own", "newcomer")


async def test_a_key_of_any_length_takes_no_more_room_than_another(clock: Clock) -> None:
    """Client ids are anybody's text, and a hundred thousand keys are remembered."""
    limits = RateLimits(limits={"try": Limit(6, 2)}, clock=clock)
    assert await taken(limits, "x" * 100_000, 5) == 2
    limits.give_back("try", "x" * 100_000)
    assert await taken(limits, "x" * 100_000, 5) == 1
    assert max(len(key) for _bucket, key in limits._arrivals) <= 200


@pytest.mark.parametrize(
    ("address", "shared"),
    [
        *((address, True) for address in ("127.0.0.1", "10.1.2.3", "172.17.0.1", "100.64.0.1", "fd00::/64", "unknown")),
        *((address, False) for address in ("8.8.8.8", "2a00:1450::/64")),
    ],
)
def test_an_address_that_is_not_public_may_be_a_proxys(address: str, shared: bool) -> None:
    assert is_shared(address) is shared


def test_a_site_of_ipv6_is_one_network() -> None:
    assert network_key(address_key("2a00:1450:1:2::5")) == network_key(address_key("2a00:1450:1:3::7")) == "2a00:1450:1::/48"
    assert network_key("192.0.2.1") is None


LOOPBACK, PUBLIC = "127.0.0.1", "8.8.8.8"


async def used_up(limits: RateLimits, what: str, address: str, own: str) -> int:
    """Return how many `own` gets before it is refused."""
    for count in range(10_000):
        try:
            await limits.check_address(what, address, own)
        except RateLimited:
            return count
    return 10_000


@pytest.mark.parametrize("what", ["page", "way_in", "authorize", "register", "push", "device_begin", "token"])
async def test_an_address_of_many_never_closes_for_those_who_did_not_use_it_up(clock: Clock, what: str) -> None:
    """Behind a proxy that nobody declared all have one address."""
    limits = RateLimits(clock=clock)
    assert await used_up(limits, what, LOOPBACK, "flood") < 10_000
    assert await used_up(limits, what, LOOPBACK, "somebody else") > 0
    assert await used_up(limits, what, PUBLIC, "flood") < 10_000
    assert await used_up(limits, what, PUBLIC, "somebody else") == 0


async def test_who_claims_to_be_many_leaves_no_more_in_the_store_than_the_crowd_may(clock: Clock) -> None:
    """A browser's name is what a request says it is."""
    limits = RateLimits(clock=clock)
    let_in = 0
    for number in range(5_000):
        with suppress(RateLimited):
            await limits.check_address("authorize", LOOPBACK, f"browser {number}")
            let_in += 1
    assert let_in == LIMITS["authorize_address"].burst + LIMITS["crowds"].burst


def test_every_limit_by_address_that_is_asked_for_is_there() -> None:
    """A name that no limit has would be a 500 of the page that asks."""
    sources = (path.read_text(encoding="utf-8") for path in (REPOSITORY / "server").rglob("*.py"))
    asked = {name for source in sources for name in re.findall(r'check_address\(\s*"(\w+)"', source)}
    assert asked >= KEPT_FOR_ANYBODY
    assert {f"{name}_{kind}" for name in asked for kind in ("address", "crowd")} <= set(LIMITS)
