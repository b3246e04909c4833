"""An answer says what a model needs once: a write what identifies it, an outline what the rows do not show, a text nothing for programs."""

import orjson
import pytest

from tests.tools.model_text import to_text
from tests.tools.stand_ins import answering, gateway, operation
from tools.dispatch.identity import identity_of
from tools.dispatch.outline import outline_beside, outline_of, preview_of
from tools.dispatch.wire import shorten, to_wire
from tools.operation import Failure, Json, Outcome, Page, Paging, Size

LONG = "x" * 2_000
MESSAGE = {"id": "11", "channel_id": "99", "content": "deploy done", "author": {"id": "7", "username": "bot"}, "embeds": [{"text": LONG}]}
TASK = {"data": {"gid": "55", "name": "Write report", "permalink_url": "https://app.test/0/55", "notes": LONG, "assignee": {"gid": "8"}}}
INVOICES = {"Id": "r-1", "Status": "OK", "Invoices": [{"InvoiceID": "i-1", "InvoiceNumber": "INV-7", "Status": "VOIDED", "Lines": [LONG]}]}
CREATE = operation("discord.channels.messages.create", "write")
LIST = operation("pagerduty.incidents.list", paging=Paging("cursor", "cursor", "incidents", "next"))


@pytest.mark.parametrize(
    ("answer", "identity"),
    [
        (MESSAGE, {"id": "11", "channel_id": "99", "author": {"id": "7"}}),
        (TASK, {"data": {"gid": "55", "name": "Write report", "permalink_url": "https://app.test/0/55", "assignee": {"gid": "8"}}}),
        (INVOICES, {"Id": "r-1", "Status": "OK", "Invoices": [{"InvoiceID": "i-1", "InvoiceNumber": "INV-7", "Status": "VOIDED"}]}),
        ([{"key": "API_URL", "values": [LONG]}], [{"key": "API_URL"}]),
        ({"created": 1, "data": [{"b64_json": LONG}]}, None),
        ({"status": "done", "log": LONG}, None),
        (LONG, None),
    ],
)
def test_what_identifies_an_answer(answer: Json, identity: Json) -> None:
    """agent.md F10: id, key, name, address, number and state, wherever an API wraps them."""
    assert identity_of(answer) == identity


def test_what_identifies_a_thousand_rows_is_short() -> None:
    """A bulk write answers many."""
    rows = [{"id": f"row-{number}", "name": "n" * 100, "tags": [{"id": str(tag)} for tag in range(50)]} for number in range(1_000)]
    found = identity_of({"results": rows})
    assert len(orjson.dumps(found)) <= 1_000
    assert found["results"][-1] == "… 995 more"


async def test_a_write_answers_what_identifies_it_and_keeps_the_rest() -> None:
    """4,035 tokens for "deploy done"."""
    house = await gateway([CREATE])
    house.runner.answers[CREATE.id] = answering(MESSAGE)
    outcome = await house.call("call_api", {"api": CREATE.id, "args": {"content": "deploy done"}})
    assert outcome.data == {"id": "11", "channel_id": "99", "author": {"id": "7"}}
    assert outcome.notes[0].endswith("result.read with this handle and select has the rest (content, author, embeds)")
    kept = await house.call("call_api", {"api": "result.read", "args": {"handle": outcome.handle, "select": "content"}})
    assert kept.data["data"] == "deploy done"
    assert len(house.runner.calls) == 1


@pytest.mark.parametrize("asked", [{"select": "content"}, {"max_chars": 20_000}])
async def test_whoever_says_what_is_wanted_gets_it(asked: dict[str, Json]) -> None:
    """`select` and `max_chars` ask."""
    house = await gateway([CREATE])
    house.runner.answers[CREATE.id] = answering(MESSAGE)
    outcome = await house.call("call_api", {"api": CREATE.id, **asked})
    assert outcome.data == ("deploy done" if "select" in asked else MESSAGE)


async def test_a_short_answer_of_a_write_and_any_answer_of_a_read_are_whole() -> None:
    """As before."""
    house = await gateway([CREATE, LIST])
    house.runner.answers[CREATE.id] = answering({"id": "11", "content": "deploy done"})
    house.runner.answers[LIST.id] = answering(MESSAGE)
    assert (await house.call("call_api", {"api": CREATE.id})).data == {"id": "11", "content": "deploy done"}
    assert (await house.call("call_api", {"api": LIST.id})).data == MESSAGE


async def test_items_of_a_page_are_those_that_are_shown() -> None:
    """agent.md F16: 3 with two rows shown."""
    house = await gateway([LIST])
    rows = [{"id": number, "open": number != 2} for number in range(3)]
    house.runner.answers[LIST.id] = answering({"incidents": rows, "next": None})
    outcome = await house.call("call_api", {"api": LIST.id, "select": "incidents[?open].id"})
    assert (outcome.data, to_wire(outcome)["page"]) == ([0, 1], {"has_more": False, "items": 2})


def test_a_text_has_nothing_that_only_programs_read() -> None:
    """`trace_id` where nothing went wrong, `size` where nothing was cut."""
    outcome = Outcome("ok", data={"id": 1}, page=Page(None, False, None), size=Size(8, 8), trace_id="4bf92f")
    assert orjson.loads(to_text(outcome)) == {"status": "ok", "data": {"id": 1}, "page": {"has_more": False}}
    assert to_wire(outcome)["size"] == {"total_bytes": 8, "returned_chars": 8}
    assert to_wire(outcome)["trace_id"] == "4bf92f"
    cut = Outcome("ok", data={"id": 1}, size=Size(9_000, 8), handle="r_1", trace_id="4bf92f")
    assert orjson.loads(to_text(cut))["size"]["total_bytes"] == 9_000
    tricky = Outcome("ok", data={"a": ',"size":{', "trace_id": "mine"}, size=Size(8, 8), trace_id="4bf92f")
    assert orjson.loads(to_text(tricky))["data"] == {"a": ',"size":{', "trace_id": "mine"}
    failed = Outcome("error", error=Failure("timeout", "late"), trace_id="4bf92f")
    assert orjson.loads(to_text(failed))["trace_id"] == "4bf92f"


def test_a_plans_text_has_no_counts_of_bytes() -> None:
    """`stats` stay where programs read them."""
    wire = {"status": "completed", "steps": {}, "returned": 1, "stats": {"calls": 1}, "trace_id": "4bf92f"}
    outcome = Outcome("ok", data=wire, bare=True)
    assert orjson.loads(to_text(outcome)) == {"status": "completed", "steps": {}, "returned": 1}
    assert to_wire(outcome) == wire


def test_a_long_outline_says_only_what_the_first_rows_leave_out() -> None:
    """The same was said twice, in 1,000 tokens each."""
    row = {f"member_{number}": number for number in range(60)}
    shown = shorten({"results": [row] * 200, "total": 200}, 100_000, 4_000, "r_1")
    assert shown["outline"] == "{results: [200 × as shown]}"
    assert shown["first"]["results"][0] == row


@pytest.mark.parametrize("value", [{"a": [1, 2]}, [{"a": LONG}] * 40, {"a": {"b": LONG}, "c": 1}, LONG, [], {}])
def test_an_outline_beside_a_preview_is_nothing_or_part_of_the_whole(value: Json) -> None:
    """Whatever is shown, what is missing has a shape."""
    said = outline_beside(value, preview_of(value, 300))
    assert said is None or len(said) <= len(outline_of(value)) + len("as shown")
    assert outline_beside(value, value) is None
