"""The judged intents of the benchmarks: well-formed, enough of them, and parted so that nobody tunes by what is to judge."""

import hashlib
import json
import re
from typing import Any

import pytest

from benchmarks.real_intents import DOCUMENTS, is_shown
from capability_index.evaluation import load_intents
from tests.conftest import REPOSITORY

FOLDER = REPOSITORY / "benchmarks" / "intents"


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


def part_of(text: str) -> str:
    """The rule by which a third was put aside: nobody chose which."""
    return "aside" if hashlib.sha256(text.encode()).digest()[0] % 3 == 0 else "given"


def test_a_third_of_the_intents_is_kept_aside_by_a_rule() -> None:
    parts = {part: lines(f"{part}.jsonl") for part in ("given", "aside")}
    for part, entries in parts.items():
        assert {part_of(entry["query"]) for entry in entries} == {part}
    assert len(parts["given"]) + len(parts["aside"]) >= 170


def test_tasks_and_negatives_are_parted_by_the_same_rule() -> None:
    tasks, negatives = lines("tasks.jsonl"), lines("negatives.jsonl")
    own = [task for task in tasks if "agent_task" not in task]
    assert all(task["part"] == part_of(task["task"]) and len(task["queries"]) == 3 for task in own)
    assert all(entry["part"] == part_of(entry["query"]) for entry in negatives)
    assert len(own) >= 45
    assert len(negatives) >= 220


def test_every_intent_names_documents_at_hand_and_no_query_comes_twice() -> None:
    intents = [*load_intents(FOLDER / "given.jsonl"), *load_intents(FOLDER / "aside.jsonl")]
    assert all(intent.providers <= DOCUMENTS.keys() for intent in intents)
    assert len({intent.text for intent in intents}) == len(intents)
    assert all(task["provider"] in DOCUMENTS and re.compile(task["operation"]) for task in lines("tasks.jsonl"))
    asked = [(entry["query"], entry["without"]) for entry in lines("negatives.jsonl")]
    assert len(set(asked)) == len(asked)


@pytest.mark.parametrize(
    ("text", "is_seen"),
    [
        ("crm.contacts.list(limit?: int) -> any [0.90]", True),
        ("crm.contacts.list_archived() -> any", False),
        ("old.crm.contacts.list() -> any", False),
        ("crm.contacts: create · list · get", True),
        ("  also contacts: create, list", True),
        ("crm.contacts: create · list_archived", False),
        ("crm.deals: create · list", False),
    ],
)
def test_an_operation_is_visible_where_its_name_or_its_group_names_it(text: str, is_seen: bool) -> None:
    assert is_shown("crm.contacts.list", text) is is_seen
