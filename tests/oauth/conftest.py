"""One gateway for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.oauth.gateway import OAuthGateway, gateway


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[OAuthGateway]:
    """Give the authorization server on a fresh SQLite file."""
    async with gateway(tmp_path) as built:
        yield built
