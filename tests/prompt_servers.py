"""Servers that end when they are told to: uvicorn looks ten times a second whether it is, and again whether its connections are closed.

Hundreds of tests have servers of their own, and each would wait for that twice.
"""

import asyncio
from types import SimpleNamespace

import pytest

#: between two looks
PAUSE_S = 0.01


def look_often() -> None:
    """Have the servers of this process look more often."""

    async def sleep(delay_s: float) -> None:
        await asyncio.sleep(min(delay_s, PAUSE_S))

    pytest.MonkeyPatch().setattr("uvicorn.server.asyncio", SimpleNamespace(**vars(asyncio) | {"sleep": sleep}))
