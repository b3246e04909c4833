"""Gateways in processes of their own that the flows of one worker share: what a flow leaves there is its own person's."""

from collections.abc import Iterator

import pytest

from tests.flows.gateway_process import RunningGateway, running_gateway

#: an origin of browser clients that both let in
ALLOWED_ORIGIN = "https://inspector.example.com"


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """The demo whose CRM answers everybody. Nothing is imported there: what discovery finds is what the demo brings."""
    with running_gateway(tmp_path_factory.mktemp("open") / "data", extra={"ASCEND_ALLOWED_ORIGINS": ALLOWED_ORIGIN}) as running:
        yield running


@pytest.fixture(scope="session")
def protected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """The demo as newcomers get it: its CRM asks each person for consent."""
    with running_gateway(tmp_path_factory.mktemp("protected") / "data", onboarding=True) as running:
        yield running
