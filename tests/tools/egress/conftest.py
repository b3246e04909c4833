"""Every test here runs on both event loops: uvloop is what the server runs on, and transports differ in their corners."""

from collections.abc import AsyncIterator

import pytest

from tools.egress.client import Egress


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture(params=[True, False], ids=["own connections", "aiohttp"])
def is_lean(request: pytest.FixtureRequest) -> bool:
    """Say which of the two paths plain requests take."""
    return bool(request.param)


@pytest.fixture
async def egress(is_lean: bool) -> AsyncIterator[Egress]:
    async with Egress(["127.0.0.1:*"], is_lean=is_lean) as opened:
        yield opened
