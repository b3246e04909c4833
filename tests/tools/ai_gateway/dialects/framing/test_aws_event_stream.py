"""AWS's binary event stream, checked against botocore's own reader."""

import json

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from tools.ai_gateway.dialects.exchange import MalformedAnswer
from tools.ai_gateway.dialects.framing.aws_event_stream import MessageSplitter, read_message, written_message

HEADERS = {":message-type": "event", ":event-type": "contentBlockDelta", ":content-type": "application/json"}
MESSAGES = [written_message(HEADERS, json.dumps({"n": number, "text": "größe"}).encode()) for number in range(4)]


def test_botocore_reads_what_is_written_here() -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(b"".join(MESSAGES))
    read = list(buffer)
    assert [json.loads(each.payload)["n"] for each in read] == [0, 1, 2, 3]
    assert read[0].headers == HEADERS
    assert read_message(MESSAGES[0])[0] == HEADERS


@given(st.lists(st.integers(0, 600), max_size=8))
def test_messages_are_the_same_wherever_the_bytes_are_cut(cuts: list[int]) -> None:
    stream = b"".join(MESSAGES)
    splitter, places = MessageSplitter(), [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    assert [m for n in range(len(places) - 1) for m in splitter.feed(stream[places[n] : places[n + 1]])] == MESSAGES


@given(st.integers(0, len(MESSAGES[1]) - 1), st.integers(1, 255))
def test_one_wrong_byte_is_noticed_and_what_came_before_it_is_out(place: int, change: int) -> None:
    damaged = bytearray(MESSAGES[1])
    damaged[place] ^= change
    splitter = MessageSplitter()
    assert splitter.feed(MESSAGES[0] + bytes(damaged)) == [MESSAGES[0]]
    with pytest.raises(MalformedAnswer):
        splitter.feed(b"")


def test_headers_of_other_types_are_passed_over() -> None:
    fields = b"\x01a\x00" + b"\x01b\x04\x00\x00\x00\x07" + b"\x01c\x06\x00\x02xy" + b"\x01d\x07\x00\x01z" + b"\x01e\x09" + b"u" * 16
    empty = written_message({}, b"{}")
    message = empty[:4] + len(fields).to_bytes(4, "big") + empty[8:12] + fields + empty[12:]
    assert read_message(message) == ({"d": "z"}, b"{}")
    with pytest.raises(MalformedAnswer):
        read_message(message[:4] + (len(fields) - 3).to_bytes(4, "big") + message[8:])
