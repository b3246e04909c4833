"""One real gateway with the suite's fixtures on, for all scenarios."""

from collections.abc import Iterator

import pytest

from tests.conformance.suite import require_suite
from tests.flows.gateway_process import RunningGateway, running_gateway


@pytest.fixture(scope="session")
def fixture_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """Start `ascend serve` with ASCEND_CONFORMANCE_FIXTURES, as shared contracts have it."""
    require_suite()
    folder = tmp_path_factory.mktemp("conformance") / "data"
    with running_gateway(folder, extra={"ASCEND_CONFORMANCE_FIXTURES": "1"}) as gateway:
        yield gateway
