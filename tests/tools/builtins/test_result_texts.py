"""result.read of a long file: what of it is text is told a part at a time."""

import pytest

from tools import turns
from tools.builtins import result_read
from tools.builtins.result_read import _is_text


@pytest.mark.parametrize("step", [1, 2, 3, 1 << 20])
async def test_text_is_told_wherever_the_parts_are_cut(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Characters of several bytes lie across the parts; one that never ends is none."""
    monkeypatch.setattr(result_read, "_LOOKED_AT_BYTES", step)
    monkeypatch.setattr(turns, "TURN_S", 0.0)
    whole = "price: 5 € 😀".encode()
    assert await _is_text(whole)
    assert await _is_text(b"")
    assert not await _is_text(whole[:-1])
    assert not await _is_text(b"a\xff" + whole)
