"""Objects that are kept as text until they are read."""

import copy

import pytest

from tools.catalog.lazy_json import LazyJson, plain
from tools.weighed_cache import WeighedCache


def test_it_reads_like_the_object_that_its_text_is() -> None:
    kept = LazyJson(b'{"a":1,"b":[2]}')
    assert (kept["a"], kept.get("b"), kept.get("c", 3), list(kept), len(kept)) == (1, [2], 3, ["a", "b"], 2)
    assert kept == {"a": 1, "b": [2]}
    assert plain(kept) == plain({"a": 1, "b": [2]})
    assert copy.deepcopy(kept) is kept
    assert "15 bytes" in repr(kept)


def test_what_is_decoded_is_bounded_by_what_the_objects_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand small texts may be gigabytes of objects."""
    known = WeighedCache[bytes, dict[str, object]](100_000)
    monkeypatch.setattr("tools.catalog.lazy_json._known", known)
    kept = [LazyJson(b'{"a":[%s],"n":%d}' % (b"{}," * 30 + b"{}", number)) for number in range(100)]
    assert [each["n"] for each in kept] == list(range(100))
    assert 0 < known.total_bytes <= 100_000
    assert 1 <= len(known) < 20
    assert kept[0]["n"] == 0


def test_what_is_too_heavy_to_be_kept_is_decoded_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    known = WeighedCache[bytes, dict[str, object]](1_000)
    monkeypatch.setattr("tools.catalog.lazy_json._known", known)
    kept = LazyJson(b'{"a":[%s1]}' % (b"1," * 500))
    assert len(kept["a"]) == 501
    assert len(known) == 0
