"""Whatever comes in is taken whole or refused in words, and what is taken can be put in force."""

import copy
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.tools.ai_gateway.configuration.example import EXAMPLE
from tools.ai_gateway.configuration.build_config import build_config
from tools.ai_gateway.configuration.notes import notes_on
from tools.ai_gateway.configuration.read_document import read_document, read_toml
from tools.operation import Json
from tools.plain_text import has_unseen
from tools.versioned_documents.faults import ConfigInvalid
from tools.versioned_documents.write_toml import write_toml

DOCUMENT = read_toml(EXAMPLE.encode())
Path = tuple[str | int, ...]
#: values that stand somewhere in a file, and others of every kind
ODD: st.SearchStrategy[Json] = st.sampled_from(
    [
        *(None, True, False, 0, -1, 1, 2**70, 10**400, 0.5, 1e308, float("nan"), "", "/", "*", "a b", "\x00", "day", "control"),
        *("bulk", "auto", "openai/gpt-5.2", "0000-01-01", "2026-02-29", "2026-12-31"),
        *([], ["bulk"], [[]], [{}], {}, {"use": "bulk"}, {"b": 1}),
    ]
)
ANYTHING = st.recursive(
    ODD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=5
)


def places(value: Json, path: Path = ()) -> list[Path]:
    inner: list[tuple[str | int, Json]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path, *(each for name, member in inner for each in places(member, (*path, name)))]


def changed(path: Path, value: Any) -> Json:
    """Return the example with another value at one place."""
    if not path:
        return value
    document = copy.deepcopy(DOCUMENT)
    holder: Any = document
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = value
    return document


def outcome(document: Json) -> Sequence[str]:
    """Return what is wrong; where nothing is, put it in force and write it down."""
    try:
        checked = read_document(document)
    except ConfigInvalid as error:
        return [str(fault) for fault in error.faults]
    config = build_config(checked)
    assert list(notes_on(config, ["acme"])) is not None
    assert read_toml(write_toml(checked).encode()) == checked
    return []


@given(st.sampled_from(places(DOCUMENT)), ODD | ANYTHING)
def test_one_odd_value_at_any_place(path: Path, value: Json) -> None:
    assert all(not has_unseen(fault) and len(fault) < 1_000 for fault in outcome(changed(path, value)))


@given(ANYTHING)
def test_any_value_as_a_whole_document(value: Json) -> None:
    assert all(not has_unseen(fault) for fault in outcome(value))
