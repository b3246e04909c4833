"""Bedrock's ConverseStream that passes."""

import json
from typing import Any

import pytest

from tests.tools.ai_gateway.dialects.model_calls import asked, provider_of, read_all, target_of
from tests.tools.ai_gateway.dialects.translation.spoken import Said, bedrock
from tools.ai_gateway.dialects.exchange import StreamReader
from tools.ai_gateway.dialects.exchanges import exchange_of
from tools.ai_gateway.dialects.framing.aws_event_stream import MessageSplitter, read_message, written_message

NATIVE = exchange_of("native", provider_of("bedrock"))
SAID = Said("hello", "hm", (("look", {"a": 1}),))


def reader() -> StreamReader:
    return NATIVE.reader(asked("native", {}, native_path="model/claude/converse-stream"), target_of("bedrock"))


def test_messages_pass_byte_for_byte_and_metadata_is_the_terminal_mark() -> None:
    stream = bedrock(SAID)[1]
    read = reader()
    out, is_garbage = read_all(read, stream, [3, 50, 51, 400])
    assert (out + read.terminal, is_garbage, read.is_complete, read.usage) == (stream, False, True, SAID.usage)


def test_a_stream_without_its_stop_is_a_cut_and_told_in_the_same_framing() -> None:
    messages = MessageSplitter().feed(bedrock(SAID)[1])
    read = reader()
    read_all(read, b"".join(messages[:-2]))
    assert not read.is_complete
    headers, payload = read_message(read.interruption("it broke off"))
    assert headers[":message-type"] == "exception"
    assert json.loads(payload) == {"message": "it broke off"}


@pytest.mark.parametrize(
    ("headers", "payload", "kind", "status"),
    [
        ({":message-type": "exception", ":exception-type": "throttlingException"}, {"message": "slow"}, "retry", 429),
        ({":message-type": "exception", ":exception-type": "validationException"}, {"message": "Input is too long"}, "context", 400),
        ({":message-type": "error", ":error-code": "InternalServerException", ":error-message": "slow"}, {}, "retry", 500),
    ],
)
def test_an_exception_inside_the_stream_is_a_fault(headers: dict[str, str], payload: dict[str, Any], kind: str, status: int) -> None:
    frame = written_message(headers, json.dumps(payload).encode())
    read = reader()
    assert read_all(read, frame) == (b"", False)
    assert read.fault is not None
    assert (read.fault.kind, read.fault.status, read.interruption("ours")) == (kind, status, frame)


def test_a_whole_answer_is_looked_into() -> None:
    request = asked("native", {"messages": []}, native_path="model/claude/converse")
    assert NATIVE.whole(request, target_of("bedrock"), {}, bedrock(SAID)[0]).usage == SAID.usage
