"""What of an answer reaches the model: selected, sized, and nothing cut silently."""

import base64
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.tools.model_text import to_text
from tests.tools.stand_ins import BOB, answering, gateway, operation
from tools.dispatch.outline import outline_of, preview_of
from tools.dispatch.wire import to_wire
from tools.operation import Download, Failure, Json, Outcome, ResponseMeta
from tools.quotas import RESULTS

LIST = operation("crm.contacts.list")
ROWS = [{"id": number, "name": f"Contact {number}", "email": f"c{number}@example.com"} for number in range(1_000)]


async def test_select_takes_one_expression_or_a_list_of_them() -> None:
    """three-tools.md: JMESPath, string or list."""
    house = await gateway([LIST])
    house.runner.answers[LIST.id] = answering({"results": ROWS[:2], "total": 2})
    one = await house.call("call_api", {"api": LIST.id, "select": "results[].id"})
    several = await house.call("call_api", {"api": LIST.id, "select": ["total", "results[0].name"]})
    assert one.data == [0, 1]
    assert several.data == {"total": 2, "results[0].name": "Contact 0"}


async def test_a_selection_that_is_no_jmespath_is_refused_before_anything_is_sent() -> None:
    """Bad input is normal input, and cheap."""
    house = await gateway([LIST])
    outcome = await house.call("call_api", {"api": LIST.id, "select": "results[?"})
    assert outcome.error is not None
    assert outcome.error.code == "invalid_select"
    assert house.runner.calls == []


async def test_a_selection_that_fails_on_the_answer_keeps_the_answer() -> None:
    """The operation ran; it must not have to run twice."""
    house = await gateway([LIST])
    house.runner.answers[LIST.id] = answering({"total": 2})
    outcome = await house.call("call_api", {"api": LIST.id, "select": "length(total)"})
    assert outcome.error is not None
    assert outcome.error.code == "invalid_select"
    kept = await house.call("call_api", {"api": "result.read", "args": {"handle": outcome.handle}})
    assert kept.data["data"] == {"total": 2}


async def test_a_large_answer_comes_as_outline_first_rows_and_handle() -> None:
    """three-tools.md: nothing is cut silently."""
    house = await gateway([LIST])
    house.runner.answers[LIST.id] = answering({"results": ROWS, "next": "c1"})
    outcome = await house.call("call_api", {"api": LIST.id, "max_chars": 2_000})
    assert outcome.data["outline"] == "{results: [1000 × {id: int, name: str, email: str}], next: str}"
    assert outcome.data["first"]["results"][0] == ROWS[0]
    assert outcome.data["first"]["results"][-1].endswith(" more")
    assert outcome.data["first"]["next"] == "c1"
    assert outcome.size is not None
    assert outcome.size.total_bytes == len(orjson.dumps({"results": ROWS, "next": "c1"}))
    assert outcome.size.returned_chars <= 2_000
    assert outcome.handle is not None


async def test_a_handle_reads_on_to_the_last_row() -> None:
    """result.read: select, offset, limit."""
    house = await gateway([LIST])
    house.runner.answers[LIST.id] = answering({"results": ROWS})
    handle = (await house.call("call_api", {"api": LIST.id})).handle
    offset: int | None = 0
    seen: list[Json] = []
    while offset is not None:
        arguments = {"handle": handle, "select": "results[].id", "offset": offset, "limit": 300}
        window = (await house.call("call_api", {"api": "result.read", "args": arguments})).data
        seen += window["data"]
        offset = window["next_offset"]
    assert seen == list(range(1_000))
    assert len(house.runner.calls) == 1


async def test_a_handle_is_its_owners_for_half_an_hour() -> None:
    """Owner only, 30 minutes; expired, unknown and foreign look alike."""
    house = await gateway([LIST])
    house.runner.answers[LIST.id] = answering(ROWS)
    handle = (await house.call("call_api", {"api": LIST.id})).handle
    read = {"api": "result.read", "args": {"handle": handle}}
    assert (await house.call("call_api", read)).status == "ok"
    foreign = await house.call("call_api", read, BOB)
    house.clock[0] += 30 * 60 + 1
    expired = await house.call("call_api", read)
    for refused in (foreign, expired):
        assert refused.error is not None
        assert refused.error.code == "unknown_handle"


async def test_an_object_has_no_rows_to_pass_over() -> None:
    """The way out is named."""
    house = await gateway([LIST])
    house.runner.answers[LIST.id] = answering({"results": ROWS})
    handle = (await house.call("call_api", {"api": LIST.id})).handle
    outcome = await house.call("call_api", {"api": "result.read", "args": {"handle": handle, "offset": 5}})
    assert outcome.error is not None
    assert outcome.error.code == "not_a_list"


async def test_a_download_becomes_a_handle_that_gives_text_or_base64() -> None:
    """Issue 5: downloads become handles."""
    house = await gateway([LIST])
    house.runner.answers[LIST.id] = answering(Download(b"\x89PNG\x00\xff", "image/png", "a.png"))
    outcome = await house.call("call_api", {"api": LIST.id})
    assert outcome.data == {"file": {"media_type": "image/png", "bytes": 6, "filename": "a.png"}}
    read = await house.call("call_api", {"api": "result.read", "args": {"handle": outcome.handle}})
    assert (read.data["encoding"], base64.b64decode(read.data["data"])) == ("base64", b"\x89PNG\x00\xff")
    refused = await house.call("call_api", {"api": "result.read", "args": {"handle": outcome.handle, "encoding": "text"}})
    assert refused.error is not None
    assert refused.error.code == "not_text"


async def test_an_upstreams_own_error_body_comes_through_untouched() -> None:
    """peers.md: gateways that answer just "HTTP 404" leave the model guessing."""
    house = await gateway([LIST])
    body = {"status": "error", "message": "contact is archived", "correlationId": "x-1"}

    async def refused(call: object) -> Outcome:
        return Outcome(
            "error",
            http=ResponseMeta(404, "req-9", {"remaining": 3, "reset": 60}),
            error=Failure("upstream_not_found", "crm answered 404", upstream={"status": 404, "body": body}),
        )

    house.runner.answers[LIST.id] = refused
    wire = to_wire(await house.call("call_api", {"api": LIST.id}))
    assert wire["error"]["upstream"] == {"status": 404, "body": body}
    assert wire["http"] == {"status": 404, "request_id": "req-9", "rate_limit": {"remaining": 3, "reset": 60}}
    assert "data" not in wire


def test_a_bare_outcome_is_just_its_data_and_a_failure_never_is() -> None:
    """discover_apis and batch_execute have an answer of their own."""
    assert to_wire(Outcome("ok", data={"results": []}, bare=True, trace_id="t")) == {"results": []}
    assert to_wire(Outcome("error", error=Failure("c", "m"), bare=True))["status"] == "error"
    assert to_text(Outcome("ok", data={}, text="in words")) == "in words"
    assert orjson.loads(to_text(Outcome("ok", data=[1]))) == {"status": "ok", "data": [1]}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=40) | st.sampled_from(["x" * 500, "\x00" * 300]),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=8), inner, max_size=8),
    max_leaves=60,
)


@examples(100)
@given(value=_JSON, copies=st.sampled_from([1, 40]), max_chars=st.integers(200, 4_000))
def test_a_preview_fits_and_says_what_it_left_out(value: Any, copies: int, max_chars: int) -> None:
    """Whatever the answer: whole where it fits, marked where it does not."""
    for answer in ([value] * copies, {f"key {number}": value for number in range(copies)}):
        whole = orjson.dumps(answer).decode()
        preview = preview_of(answer, max_chars)
        shown = orjson.dumps(preview).decode()
        assert len(shown) <= max_chars
        assert preview == answer or "… " in shown or "more" in shown
        assert len(whole) > max_chars // 2 or preview == answer
        outline_of(answer)


@pytest.mark.parametrize(
    ("value", "outline"),
    [([], "[]"), ({"a": None, "b": [True]}, "{a: null, b: [1 × bool]}"), ("x" * 500, "str(500 characters)"), (1.5, "float")],
)
def test_an_outline_is_the_shape_in_one_line(value: Json, outline: str) -> None:
    """The model sees what it could select."""
    assert outline_of(value) == outline


@pytest.mark.parametrize("rows", [[{"text": "x" * 3_000}] * 40, "x" * 40_000, ['"' * 4_000] * 20], ids=["rows", "text", "escaped"])
async def test_a_window_that_is_asked_too_wide_is_cut_and_not_kept_once_more(rows: Json) -> None:
    """What is kept is read from where it is; reading on leads to its end."""
    house = await gateway([LIST])
    house.runner.answers[LIST.id] = answering({"results": rows})
    handle = (await house.call("call_api", {"api": LIST.id})).handle
    offset: int | None = 0
    seen: list[Json] = []
    while offset is not None:
        arguments = {"handle": handle, "select": "results", "offset": offset, "limit": 1_000_000}
        window = await house.call("call_api", {"api": "result.read", "args": arguments})
        assert window.handle is None
        seen += window.data["data"]
        offset = window.data["next_offset"]
    assert seen == list(rows)


async def test_an_answer_that_no_quota_holds_says_that_the_operation_itself_succeeded() -> None:
    """It must not be sent again for that."""
    house = await gateway([LIST])
    house.runner.answers[LIST.id] = answering({"text": "x" * (RESULTS.person.max_bytes + 1)})
    outcome = await house.call("call_api", {"api": LIST.id})
    assert outcome.error is not None
    assert outcome.error.code == "answer_not_kept"
    assert "itself succeeded" in (outcome.error.hint or "")
