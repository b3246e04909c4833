"""Limits of the edge, which all nodes take from together."""

from pathlib import Path

from server.storage.redis.opened import RedisState
from tests.server.edge.backend import backend, edge_of, orders


async def test_what_one_node_let_pass_the_other_does_not(tmp_path: Path, redis_nodes: tuple[RedisState, RedisState]) -> None:
    async with backend() as server:
        route = orders(server, limit="3/15min")
        first, second = (edge_of(tmp_path, route, shared=node.windows) for node in redis_nodes)
        async with first as one, second as other:
            answers = [await edge.client.get("/edge/orders/") for edge in (one, other, one, other)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
        assert 0 < int(answers[-1].headers["retry-after"]) <= 900 * 13 / 12
