"""Who has asked as often as a route or a plan allows waits, and is told how long."""

from pathlib import Path

import pytest

from server.config_versions.sections.plans import Plans
from server.edge.rate_windows import MAX_GUESSES
from tests.server.edge.backend import backend, edge_of, orders, saying
from tests.server.edge.issuer import Issuer, verified


async def test_an_address_has_its_number_and_is_told_of_it(tmp_path: Path) -> None:
    async with backend() as server, edge_of(tmp_path, orders(server, limit="2/15min")) as edge:
        answers = [await edge.client.get("/edge/orders/") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert [answer.headers["ratelimit"].split(";")[1] for answer in answers] == ["r=1", "r=0", "r=0"]
        assert answers[0].headers["ratelimit-policy"] == '"endpoint";q=2;w=900'
        assert (answers[0].headers["x-ratelimit-limit"], answers[0].headers["x-ratelimit-remaining"]) == ("2", "1")
        refused = answers[2]
        assert 0 < int(refused.headers["retry-after"]) <= 900
        assert refused.json()["retryAfter"] == int(refused.headers["retry-after"])
        assert (refused.json()["error"], refused.json()["limit"], refused.json()["window"]) == ("rate_limited", 2, 900)
        assert len(server.asked) == 2


async def test_addresses_are_those_that_a_trusted_proxy_names(tmp_path: Path) -> None:
    async with backend() as server, edge_of(tmp_path, orders(server, limit="1/h")) as edge:
        # The test's own address is loopback, which is trusted; what stands before the last one was written by the caller.
        said = ["192.0.2.1", "198.51.100.7, 192.0.2.1", "192.0.2.2"]
        answers = [(await edge.client.get("/edge/orders/", headers={"x-forwarded-for": each})).status_code for each in said]
        assert answers == [200, 429, 200]
        assert [asked.of("x-forwarded-for") for asked in server.asked] == [["192.0.2.1"], ["192.0.2.2"]]


async def test_users_have_their_own_number_and_their_plans(tmp_path: Path) -> None:
    issuer, plans = Issuer(), Plans(requests_per_hour={"small": 3})
    async with backend(issuer.speaks) as keys, backend() as server:
        route = orders(server, limit="2/h", **verified(keys))
        other = {**orders(server, limit="off", **verified(keys)), "name": "other"}
        async with edge_of(tmp_path, route, other, plans=plans) as edge:

            async def ask(path: str, **claims: object) -> int:
                return (await edge.client.get(path, headers=issuer.bearer(**claims))).status_code

            assert [await ask("/edge/orders/", plan="small") for _ in range(3)] == [200, 200, 429]
            assert await ask("/edge/orders/", sub="bob") == 200
            # Another route has its own number; the plan counts both.
            assert [await ask("/edge/other/", plan="small") for _ in range(2)] == [200, 429]
            refused = await edge.client.get("/edge/other/", headers=issuer.bearer(plan="small"))
            assert "plan 'small' has 3 requests an hour" in refused.json()["error_description"]
            assert refused.headers["ratelimit-policy"] == '"plan";q=3;w=3600'
            assert [await ask("/edge/other/", sub="bob") for _ in range(5)] == [200] * 5


async def test_what_a_backend_says_of_limits_gives_way_to_ours(tmp_path: Path) -> None:
    says = saying(b"", "X-RateLimit-Limit: 9", "RateLimit: theirs")
    async with backend(says) as server, edge_of(tmp_path, orders(server, limit="5/h")) as edge:
        assert (await edge.client.get("/edge/orders/")).headers.get_list("x-ratelimit-limit") == ["5"]
        edge.change(orders(server, limit="off"))
        assert (await edge.client.get("/edge/orders/")).headers.get_list("x-ratelimit-limit") == ["9"]


@pytest.mark.parametrize("limit", ["off", "1/h"])
async def test_who_tries_tokens_waits_and_who_has_a_good_one_does_not(tmp_path: Path, limit: str) -> None:
    """A signature costs more than all else, and before it is verified nobody is known whose limit it could be."""
    issuer = Issuer()
    async with (
        backend(issuer.speaks) as keys,
        backend() as server,
        edge_of(tmp_path, orders(server, limit=limit, **verified(keys))) as edge,
    ):
        elsewhere = {"x-forwarded-for": "192.0.2.2"}
        good, expired = issuer.bearer(), issuer.bearer(exp=1)
        assert (await edge.client.get("/edge/orders/", headers=good)).status_code == 200
        tried = [(await edge.client.get("/edge/orders/", headers=expired)).status_code for _ in range(MAX_GUESSES + 1)]
        assert tried == [401] * MAX_GUESSES + [429]
        refused = await edge.client.get("/edge/orders/", headers=issuer.bearer(sub="bob"))
        assert (refused.status_code, refused.json()["error"]) == (429, "rate_limited")
        assert 0 < int(refused.headers["retry-after"]) <= 60
        # One that was verified a moment ago costs nothing; and other addresses are others.
        assert (await edge.client.get("/edge/orders/", headers=good)).status_code == (200 if limit == "off" else 429)
        assert (await edge.client.get("/edge/orders/", headers={**issuer.bearer(sub="bob"), **elsewhere})).status_code == 200
