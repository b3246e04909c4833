"""Every required server scenario of the MCP conformance suite, in both protocol eras, against a real gateway."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.command_line import ascend_here
from tests.conformance.suite import Report, run
from tests.conformance.token_proxy import token_proxy
from tests.flows.gateway_process import RunningGateway


@pytest.fixture(scope="module")
def url(fixture_gateway: RunningGateway) -> Iterator[str]:
    """The MCP endpoint behind a proxy that signs in."""
    minted = ascend_here("token", "mint", "--tenant", "default", "--user", fixture_gateway.email, data_dir=fixture_gateway.data_dir)
    assert minted.returncode == 0, minted.stderr
    port = urlsplit(fixture_gateway.base_url).port or 80
    with token_proxy(port, minted.stdout.strip()) as proxy_port:
        yield f"http://127.0.0.1:{proxy_port}/mcp"


@pytest.mark.parametrize(("revision", "scenarios"), [("2025-11-25", 30), ("2026-07-28", 37)])
def test_every_required_scenario_passes(url: str, tmp_path: Path, revision: str, scenarios: int) -> None:
    """The frozen requirement sets of the suite; `passed` is its own verdict on what it scores."""
    report = run(tmp_path, "server", "--url", url, "--requirements", revision)
    assert report.passed, failures(report)
    assert len({check.scenario for check in report.checks}) >= scenarios


def test_the_header_scenario_passes_although_it_is_not_scored(url: str, tmp_path: Path) -> None:
    """SEP-2243: header names in any case, white space around values, mismatches refused."""
    report = run(tmp_path, "server", "--url", url, "--spec-version", "2026-07-28", "--scenario", "http-header-validation")
    assert report.passed, failures(report)


def failures(report: Report) -> str:
    """Say what failed, and the end of what the suite printed."""
    failed = [f"{check.scenario} {check.check_id}: {check.message}" for check in report.checks if check.status == "FAILURE"]
    return "\n".join([*failed, report.output[-2_000:]])
