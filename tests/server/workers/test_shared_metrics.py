"""Whichever worker is asked tells of all."""

import os
import signal
from pathlib import Path

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from tests.command_line import ascend_here
from tests.server.workers.gateway_of_workers import WorkersGateway, gateway_of_workers
from tests.waiting import until_here

#: on connections of their own, so that both workers are asked
TIMES = 11


def test_metrics_and_readiness_are_those_of_all_workers(tmp_path: Path) -> None:
    """A deep data directory, too: the address of a Unix socket has room for 108 bytes."""
    data = tmp_path / ("deep" * 20) / ("deeper" * 12) / "data"
    data.parent.mkdir(parents=True)
    with gateway_of_workers(data) as gateway:
        for _ in range(TIMES):
            assert httpx2.post(f"{gateway.running.base_url}/token", data={"grant_type": "none"}, timeout=30).status_code == 401
        # A worker that was not heard in time is left out of one answer, whoever is asked.
        until_here(lambda: all(shown(gateway)["ascend_token_requests_total"] == TIMES for _ in range(TIMES)))
        until_here(lambda: all(shown(gateway)["ascend_workers"] == 2 for _ in range(TIMES)))
        until_here(lambda: answered(gateway) == ("ready", "ok"))
        until_here(lambda: "2 of 2 answer" in ascend_here("doctor", data_dir=data).stdout)
        os.kill(gateway.process_of(1), signal.SIGSTOP)
        try:
            # Whoever answers does so without the one that hangs.
            until_here(lambda: answered(gateway) == ("degraded", "1 of 2 answer"))
        finally:
            os.kill(gateway.process_of(1), signal.SIGCONT)
        until_here(lambda: answered(gateway) == ("ready", "ok"))
    assert not list((data / "workers").glob("*.sock"))


def shown(gateway: WorkersGateway) -> dict[str, float]:
    families = text_string_to_metric_families(httpx2.get(f"{gateway.running.base_url}/metrics", timeout=30).text)
    seen: dict[str, float] = {}
    for sample in (each for family in families for each in family.samples):
        seen[sample.name] = seen.get(sample.name, 0.0) + sample.value
    return seen


def ready(gateway: WorkersGateway) -> tuple[str, str]:
    body = httpx2.get(f"{gateway.running.base_url}/readyz", timeout=2.5).json()
    return body["status"], body["checks"]["workers"]


def answered(gateway: WorkersGateway) -> tuple[str, str] | None:
    """Return what `ready` does; None where the one was asked that hangs."""
    try:
        return ready(gateway)
    except httpx2.TimeoutException:
        return None
