"""Streams of one tenant, however many, leave the loop to others."""

import pytest

from tools.ai_gateway.stream_turns import MOST_S, READS_PER_S, StreamTurns


def opened(**streams: int) -> StreamTurns:
    turns = StreamTurns()
    for tenant_id, count in streams.items():
        for _ in range(count):
            turns.opened(tenant_id)
    return turns


@pytest.mark.parametrize("count", [1, 50, 400])
def test_all_streams_of_a_tenant_are_read_as_often_as_the_loop_bears(count: int) -> None:
    assert count / opened(acme=count).gap_s("acme") == pytest.approx(READS_PER_S)


def test_one_stream_beside_another_tenants_many_is_hardly_ever_held_back() -> None:
    turns = opened(acme=500, globex=1)
    assert turns.gap_s("globex") < 0.001
    assert turns.gap_s("acme") == MOST_S


def test_nobody_waits_for_longer_than_is_seen() -> None:
    assert opened(acme=100_000).gap_s("acme") == MOST_S


def test_streams_that_have_ended_count_no_more() -> None:
    turns = opened(acme=2, globex=1)
    turns.closed("globex")
    turns.closed("acme")
    assert turns.gap_s("acme") == 1 / READS_PER_S


def test_a_loop_that_is_behind_reads_many_streams_more_seldom_and_few_as_before() -> None:
    turns = opened(acme=500, globex=1)
    for _ in range(200):
        turns.woke(1.0)
    assert turns.gap_s("acme") == 2 * MOST_S
    assert turns.gap_s("globex") < 0.05
    for _ in range(400):
        turns.woke(0.0)
    assert turns.gap_s("acme") == pytest.approx(MOST_S, rel=0.01)
