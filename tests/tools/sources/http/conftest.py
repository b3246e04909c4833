"""What the tests of calls over HTTP share."""

from collections.abc import AsyncIterator

import pytest

from server.storage.memory.tools import MemoryResultStore
from tests.tools.sources.http.api_world import NOW, ApiWorld, Wallet
from tests.tools.sources.http.upstream import Upstream
from tools.egress.client import Egress
from tools.sources.http.runner import OpenApiRunner


@pytest.fixture
async def world() -> AsyncIterator[ApiWorld]:
    async with Upstream() as upstream, Egress(allow=["127.0.0.1:*"]) as egress:
        wallet, results = Wallet(), MemoryResultStore()
        yield ApiWorld(upstream, wallet, results, OpenApiRunner(egress, wallet, results, clock=lambda: NOW))
