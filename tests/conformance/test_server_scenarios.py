"""Every server scenario of the MCP conformance suite, required or not, in both protocol eras, against a real gateway."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.command_line import ascend_here
from tests.conformance.suite import Report, require_suite, run
from tests.conformance.token_proxy import token_proxy
from tests.flows.gateway_process import RunningGateway, running_gateway

#: revision -> the scenarios that pass, one a line; it may only grow
PASSING = Path(__file__).parent / "passing"
#: needs a fourth tool in tools/list, which is the same three tools with the fixtures as without them
LISTED_ONLY = "json-schema-2020-12"
#: what the suite itself passes over (docs/guides/conformance.md)
SKIPPED = {"2025-11-25": set[str](), "2026-07-28": {"tasks-status-notifications"}}


@contextmanager
def proxied(gateway: RunningGateway) -> Iterator[str]:
    """The MCP endpoint behind a proxy that signs in."""
    minted = ascend_here("token", "mint", "--tenant", "default", "--user", gateway.email, data_dir=gateway.data_dir)
    assert minted.returncode == 0, minted.stderr
    port = urlsplit(gateway.base_url).port or 80
    with token_proxy(port, minted.stdout.strip()) as proxy_port:
        yield f"http://127.0.0.1:{proxy_port}/mcp"


@pytest.fixture(scope="module")
def url(fixture_gateway: RunningGateway) -> Iterator[str]:
    with proxied(fixture_gateway) as address:
        yield address


@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
def test_every_scenario_that_ever_passed_passes(url: str, tmp_path: Path, revision: str) -> None:
    """The frozen requirement set, and all that the suite runs and does not score: pending, added later, extensions."""
    report = run(tmp_path, "server", "--url", url, "--requirements", revision)
    assert report.passed, failures(report)
    statuses: dict[str, set[str]] = {}
    for check in report.checks:
        statuses.setdefault(name_of(check.scenario), set()).add(check.status)
    passing = {name for name, found in statuses.items() if "FAILURE" not in found and found != {"SKIPPED"}}
    known = set((PASSING / f"{revision}.txt").read_text(encoding="utf-8").split())
    assert known - passing == set(), failures(report)
    assert passing - known == set(), "more scenarios pass than are known; add them to tests/conformance/passing"
    assert statuses.keys() - passing == {LISTED_ONLY} | SKIPPED[revision], failures(report)


@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
def test_schemas_keep_their_keywords_in_a_list(listing_url: str, tmp_path: Path, revision: str) -> None:
    """SEP-1613, SEP-2106; the one scenario that asks for a tool of its own in tools/list."""
    report = run(tmp_path, "server", "--url", listing_url, "--spec-version", revision, "--scenario", LISTED_ONLY)
    assert report.passed, failures(report)
    assert report.count("SUCCESS") >= 5


@pytest.fixture(scope="module")
def listing_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    require_suite()
    extra = {"ASCEND_CONFORMANCE_FIXTURES": "1", "ASCEND_CONFORMANCE_LISTED": "1"}
    with running_gateway(tmp_path_factory.mktemp("listing") / "data", extra=extra) as gateway, proxied(gateway) as address:
        yield address


def name_of(folder: str) -> str:
    """Return the scenario whose checks lie in a folder: `server-NAME-TIME`."""
    return re.sub(r"-\d{4}-\d{2}-\d{2}T.*$", "", folder).removeprefix("server-")


def failures(report: Report) -> str:
    """Say what failed, and the end of what the suite printed."""
    failed = [f"{check.scenario} {check.check_id}: {check.message}" for check in report.checks if check.status == "FAILURE"]
    return "\n".join([*failed, report.output[-2_000:]])
