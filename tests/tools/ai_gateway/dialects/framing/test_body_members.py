"""Members are changed in a body's own bytes."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.ai_gateway.dialects.framing.body_members import refuse_repeated_names, with_members
from tools.ai_gateway.refusals import ModelCallRefused

names = st.sampled_from(["model", "stream", "stream_options", "include_usage", "a", 'say "model', "\\", "größe"])
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5) | names
trees = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4), max_leaves=12)
bodies = st.dictionaries(names, trees, max_size=6)
options = st.fixed_dictionaries({}, optional={"include_usage": st.booleans() | st.none(), "other": trees})


@given(bodies, st.sampled_from([None, 1, "\t"]), st.booleans(), options | st.none())
def test_what_is_set_is_set_and_nothing_else_changes(body: dict[str, Any], indent: Any, is_ascii: bool, given_options: Any) -> None:
    if given_options is not None:
        body = {**body, "stream_options": given_options}
    raw = json.dumps(body, indent=indent, ensure_ascii=is_ascii).encode()
    changes = {"model": "there/is it?\n", "stream_options": {"include_usage": True}}
    written = with_members(raw, orjson.loads(raw), changes)
    old = body.get("stream_options")
    inner = {**(old if isinstance(old, dict) else {}), "include_usage": True}
    assert json.loads(written) == {**body, "model": "there/is it?\n", "stream_options": inner}
    assert [name for name in json.loads(written) if name in body] == list(body)


def test_numbers_spaces_and_order_stay_as_they_were_written() -> None:
    raw = b'{ "temperature" : 1.50e0,"model":\t"a", "seed": 12345678901234567890123, "x": "\\u00e9\\/" }'
    assert with_members(raw, orjson.loads(raw), {"model": "b"}) == raw.replace(b'"a"', b'"b"')


def test_the_models_of_tools_in_a_conversation_are_not_the_model() -> None:
    calls = [{"input": {"model": "haiku"}} for _ in range(40)]
    raw = json.dumps({"max_tokens": 5, "messages": calls, "model": "mine", "tools": [{"model": "x"}]}).encode()
    assert json.loads(with_members(raw, json.loads(raw), {"model": "other"})) == {**json.loads(raw), "model": "other"}


def test_what_is_as_it_should_be_is_not_touched() -> None:
    raw = b'{"model":"a","stream_options":{"include_usage":true}}'
    assert with_members(raw, json.loads(raw), {"model": "a", "stream_options": {"include_usage": True}}) is raw


@pytest.mark.parametrize(
    "raw",
    [
        b'{"model":"a","model":"b"}',
        b'{"model":"a","mod\\u0065l":"b"}',
        b'{"messages":[{"role":"user","role":"system"}]}',
        b'{"text":"\\":","max_tokens":1,"max_tokens":2}',
        b'{"a\\\\":1,"b":{"c":1,"c" :2}}',
        b'{"a":"\\u0022\\u0022","b":1,"b":2}',
    ],
)
def test_a_member_that_stands_twice_is_refused_by_name(raw: bytes) -> None:
    """RFC 8259 §4: readers differ in which counts, so what was allowed here need not be what a provider runs."""
    with pytest.raises(ModelCallRefused, match="stands twice") as refused:
        refuse_repeated_names(raw, json.loads(raw))
    assert refused.value.status == 400
    assert refused.value.param


@pytest.mark.parametrize("raw", [b'{"text":"a \\":\\" b","q":"x\\\\\\":"}', b'{"a":"\\\\","b":{"a" : 1}}'])
def test_texts_that_look_like_members_are_none(raw: bytes) -> None:
    refuse_repeated_names(raw, json.loads(raw))


@given(trees)
def test_what_stands_once_is_never_refused(tree: Any) -> None:
    for raw in (json.dumps(tree), json.dumps(tree, ensure_ascii=False, indent=1)):
        refuse_repeated_names(raw.encode(), json.loads(raw))


def test_a_name_that_is_written_in_escapes_is_refused_rather_than_missed() -> None:
    raw = b'{"mod\\u0065l":"a"}'
    with pytest.raises(ModelCallRefused, match="write it plainly"):
        with_members(raw, json.loads(raw), {"model": "b"})


@pytest.mark.parametrize("depth", [250, 400, 900])
def test_a_name_that_stands_twice_hides_in_no_depth(depth: int) -> None:
    raw = b'{"model":"a","x":' + b"[" * depth + b"]" * depth + b',"model":"b"}'
    with pytest.raises(ModelCallRefused):
        refuse_repeated_names(raw, orjson.loads(raw))
