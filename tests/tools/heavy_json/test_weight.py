"""What JSON text weighs, in one go and in turns."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.heavy_json import weight
from tools.heavy_json.weight import values_in_text, values_in_turns

PARTS = st.lists(st.sampled_from(['"', "\\", '\\"', "\\\\", ",", "[", "{", "a"]), max_size=60)


@given(texts=st.lists(PARTS.map("".join), max_size=6), step=st.integers(1, 9))
async def test_values_are_counted_the_same_wherever_the_text_is_cut(texts: list[str], step: int) -> None:
    """A quote or a comma in a string counts for nothing, also where a step ends in the middle of an escape."""
    text = orjson.dumps([texts, {"a": texts}])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weight, "_STEP_BYTES", step)
        assert await values_in_turns(text, 10_000) == _exact(text)


def _exact(text: bytes) -> int:
    outside = weight.outside_strings(weight.without_escapes(text))
    return sum(map(outside.count, (b",", b"[", b"{")))


async def test_what_holds_more_than_is_asked_for_is_above_it_either_way() -> None:
    text = b"[" + b"[]," * 500_000 + b"[]]"
    assert await values_in_turns(text, 50_000) > 50_000
    assert values_in_text(text, 50_000) > 50_000
