"""Server-sent events as bytes (WHATWG HTML §9.2)."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.ai_gateway.dialects.exchange import MalformedAnswer
from tools.ai_gateway.dialects.framing import event_stream
from tools.ai_gateway.dialects.framing.event_stream import EventSplitter, data_of, event, is_heavy_event, name_of

STREAM = "\ufeff: hello\r\n\r\ndata:a\n\ndata: größe\rdata: b\r\revent: x\ndata: {}\r\n\n\r\ndata: last\n\n".encode()


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    splitter = EventSplitter()
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    blocks = [block for begin, end in itertools.pairwise(places) for block in splitter.feed(data[begin:end])]
    return [*blocks, splitter.rest()]


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_events_are_the_same_wherever_the_bytes_are_cut(cuts: list[int]) -> None:
    assert split(STREAM, cuts) == split(STREAM, [])


@given(
    st.lists(st.sampled_from([b"\r", b"\n", b"a", b"data: x", b":"]), max_size=20).map(b"".join), st.lists(st.integers(0, 99), max_size=9)
)
def test_any_mixture_of_line_ends_is_cut_the_same_way(data: bytes, cuts: list[int]) -> None:
    assert split(data, cuts) == split(data, [])


def test_every_byte_comes_out_again() -> None:
    assert b"".join(split(STREAM, [])) == STREAM


def test_data_is_read_with_and_without_the_space_and_over_lines() -> None:
    blocks = split(STREAM, [])
    assert [data_of(block) for block in blocks[:4]] == [None, b"a", "größe\nb".encode(), b"{}"]
    assert name_of(blocks[3]) == "x"
    assert data_of(event(b"{}", "done")) == b"{}"


def test_a_body_without_its_last_blank_line_has_a_last_event() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b"data: [DONE]\n") == []
    assert splitter.rest() == b"data: [DONE]\n\n"
    assert splitter.rest() == b""


def test_an_event_of_a_megabyte_passes_in_pieces() -> None:
    splitter = EventSplitter()
    piece = b"x" * 1000
    assert not any(splitter.feed(piece) for _ in range(1000))
    (block,) = splitter.feed(b"\n\n")
    assert len(block) == 1_000_002


def test_an_event_without_end_is_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "MAX_EVENT_BYTES", 1000)
    splitter = EventSplitter()
    splitter.feed(b"x" * 1000)
    with pytest.raises(MalformedAnswer):
        splitter.feed(b"x")


def test_an_event_of_more_values_than_anybody_sends_is_heavy_and_a_long_text_is_not() -> None:
    assert is_heavy_event(b'{"x":[' + b"[]," * 20_000 + b"[]]}")
    assert not is_heavy_event(b'{"x":"' + b"a" * 15_000_000 + b'"}')
    assert not is_heavy_event(b'{"x":"' + b"if (a, b) { c[0] } " * 10_000 + b'"}')


def test_an_event_of_more_lines_than_anybody_sends_is_damaged() -> None:
    with pytest.raises(MalformedAnswer, match="lines"):
        data_of(b"data: 1\n" * 20_001 + b"\n")
