"""One gateway for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.oauth.gateway import Gateway, gateway


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gateway]:
    """Give the authorization server on a fresh SQLite file."""
    async with gateway(tmp_path) as built:
        yield built
