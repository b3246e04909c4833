"""What commands about a gateway's work are tried on: a data directory that nobody serves, and a gateway that runs."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.app import Gateway
from tests.command_line import ascend_here
from tests.gateway import opened


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with ada@example.com and a second tenant, acme."""
    folder = tmp_path_factory.mktemp("commands") / "data"
    assert ascend_here("user", "add", "ada@example.com", "--tenant", "default", data_dir=folder).returncode == 0
    assert ascend_here("tenant", "add", "acme", data_dir=folder).returncode == 0
    return folder


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with opened(tmp_path) as gateway:
        yield gateway
