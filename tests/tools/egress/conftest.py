"""Every test here runs on both event loops: uvloop is what the server runs on, and transports differ in their corners."""

import pytest


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture(params=[True, False], ids=["own connections", "aiohttp"])
def is_lean(request: pytest.FixtureRequest) -> bool:
    """Say which of the two paths plain requests take."""
    return bool(request.param)
