"""Caches bounded by what they hold."""

import gc
import tracemalloc
from typing import Any

import orjson
import pytest

from tools.weighed_cache import ENTRY_BYTES, MAX_KEY_LENGTH, WeighedCache, cached_if_short, weight_of_json


def test_the_longest_unused_go_where_the_weight_is_reached() -> None:
    cache = WeighedCache[str, int](3 * (100 + ENTRY_BYTES), 1_000)
    for number, name in enumerate("abc"):
        cache.put(name, number, 100)
    assert cache.get("a") == 0
    cache.put("d", 3, 100)
    assert [name for name in "abcd" if name in cache] == ["a", "c", "d"]
    assert cache.total_bytes == 3 * (100 + ENTRY_BYTES)


def test_what_is_too_heavy_is_not_kept_and_pushes_nothing_out() -> None:
    """Not even what stood in its place before, which is old now."""
    cache = WeighedCache[str, int](10_000)
    cache.put("a", 1, 10)
    cache.put("b", 1, 10)
    assert not cache.put("b", 2, 9_000)
    assert (cache.get("a"), cache.get("b")) == (1, None)


def test_replacing_and_forgetting_keep_the_weight_right() -> None:
    cache = WeighedCache[str, int](10_000)
    cache.put("a", 1, 10)
    cache.put("a", 2, 20)
    cache.replace("a", 3)
    assert (cache.get("a"), cache.total_bytes) == (3, 20 + ENTRY_BYTES)
    assert cache.pop("a") == 3
    assert cache.pop("a") is None
    assert (len(cache), cache.total_bytes) == (0, 0)


N = 4_000
SHAPES: dict[str, Any] = {
    "empty lists": [[] for _ in range(N)],
    "empty objects": [{} for _ in range(N)],
    "objects of one": [{"a": 1} for _ in range(N)],
    "rows": [{"id": number, "name": f"name {number}", "score": number / 3, "tags": ["a", "b"]} for number in range(N // 4)],
    "floats": [number / 7 for number in range(N)],
    "large integers": [10**15 + number for number in range(N)],
    "short texts": [f"{number:x}" for number in range(N)],
    "one text": "x" * 1_000_000,
    "a wide text": "x" * 1_000_000 + "\N{PILE OF POO}",
    "names": {f"name{number}": None for number in range(N)},
    "nested": [[[[number]]] for number in range(N // 4)],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_weight_of_json_is_no_less_than_what_its_objects_take(shape: str) -> None:
    """And not so much more that the cache would hold next to nothing."""
    text = orjson.dumps(SHAPES[shape])
    weight = weight_of_json(text)
    gc.collect()
    tracemalloc.start()
    data = orjson.loads(text)
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert data is not None
    assert 0.9 * taken <= weight <= 8 * taken


def test_long_keys_are_worked_out_anew_and_not_remembered() -> None:
    asked: list[str] = []

    @cached_if_short(10)
    def length(text: str) -> int:
        asked.append(text[:3])
        return len(text)

    for _ in range(2):
        assert length("abc") == 3
        assert length("x" * (MAX_KEY_LENGTH + 1)) == MAX_KEY_LENGTH + 1
    assert asked == ["abc", "xxx", "xxx"]
