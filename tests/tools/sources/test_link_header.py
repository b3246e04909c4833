"""The next page of a Link header."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.sources.response_headers import next_link

URL = "https://api.example.com/items"


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ('<https://api.example.com/items?page=2>; rel="next"', f"{URL}?page=2"),
        ('<?page=1>; rel=prev, <?page=3>; title="a, b"; rel="last next"', f"{URL}?page=3"),
        ("</items?page=2>;REL=Next", f"{URL}?page=2"),
        ('<?page=2>; rel="nextish"', None),
        ("<?page=2", None),
        ("", None),
    ],
)
def test_the_target_of_rel_next_is_found(header: str, wanted: str | None) -> None:
    """RFC 8288 §3."""
    assert next_link(header, URL) == wanted


class _Counted(str):
    """Text that counts how many of its characters were searched."""

    searched = 0

    def find(self, sub: str, start: int = 0, end: int | None = None, /) -> int:  # type: ignore[override]
        found = super().find(sub, start)
        _Counted.searched += (found if found >= 0 else len(self)) - start
        return found


@pytest.mark.parametrize("header", ["<" * 60_000, "<>" * 30_000, "<a>;" * 15_000, "<a>" + "; " * 30_000])
def test_a_header_is_read_once_however_long(header: str) -> None:
    """Work in the size of what an upstream sent, not in its square."""
    _Counted.searched = 0
    assert next_link(_Counted(header), URL) is None
    assert _Counted.searched <= 3 * len(header)


@given(st.text(alphabet='<>;= ,"relnxtRN', max_size=200))
def test_any_header_is_read(header: str) -> None:
    """An upstream may send what it likes."""
    found = next_link(header, URL)
    assert found is None or isinstance(found, str)
