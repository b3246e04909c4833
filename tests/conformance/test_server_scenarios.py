"""Every required server scenario of the MCP conformance suite, in both protocol eras."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.suite import Report, require_suite, run
from tests.conformance.token_proxy import token_proxy
from tests.server.live_server import free_port, serving
from tests.server.mcp_stand_in import TOKEN, StandInDispatcher, gateway, settings_for


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    require_suite()
    port = free_port()
    settings = settings_for(port, tmp_path_factory.mktemp("gateway"), conformance_fixtures=True)
    with serving(gateway(settings, StandInDispatcher()), port), token_proxy(port, TOKEN) as proxy_port:
        yield f"http://127.0.0.1:{proxy_port}/mcp"


@pytest.mark.parametrize(("revision", "scenarios"), [("2025-11-25", 30), ("2026-07-28", 37)])
def test_every_required_scenario_passes(url: str, tmp_path: Path, revision: str, scenarios: int) -> None:
    """The frozen requirement sets of the suite; `passed` is its own verdict on what it scores."""
    report = run(tmp_path, "server", "--url", url, "--requirements", revision)
    assert report.passed, failures(report)
    assert len({check.scenario for check in report.checks}) >= scenarios


def failures(report: Report) -> str:
    """Say what failed, and the end of what the suite printed."""
    failed = [f"{check.scenario} {check.check_id}: {check.message}" for check in report.checks if check.status == "FAILURE"]
    return "\n".join([*failed, report.output[-2_000:]])
