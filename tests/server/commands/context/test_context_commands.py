"""`ascend context`: told from files, asked, explained, taken back, forgotten, measured."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import Said, ascend_here

FACTS = [
    {"subject": "Kahuna", "predicate": "champion", "value": "Dana Reyes", "valid_from": "2026-01-10"},
    {"subject": "Kahuna", "predicate": "champion", "value": "Lee Wong", "valid_from": "2026-03-01"},
    {"subject": "Globex", "predicate": "stage", "value": "won", "valid_from": "2026-03-01"},
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which the facts were told; champions are one at a time."""
    folder = tmp_path_factory.mktemp("context") / "data"
    file = folder.parent / "facts.jsonl"
    file.write_text("\n".join(json.dumps(each) for each in FACTS), encoding="utf-8")
    assert ascend_here("context", "predicates", "champion", "--one", data_dir=folder).returncode == 0
    told = ascend_here("context", "assert", str(file), "--source", "crm", "--json", data_dir=folder)
    assert json.loads(told.stdout) == {"facts": 3, "added": 3, "refusals": []}, told
    return folder


def context(data: Path, *words: str) -> Said:
    return ascend_here("context", *words, data_dir=data)


def answered(data: Path, *words: str) -> Any:
    said = context(data, *words, "--json")
    assert said.returncode == 0, said
    return json.loads(said.stdout)


def test_what_was_told_is_answered_as_of_a_day(data: Path) -> None:
    today = answered(data, "query", "who is the champion", "--entity", "Kahuna")
    february = answered(data, "query", "who is the champion", "--entity", "Kahuna", "--as-of", "2026-02-15")
    assert [each["value"] for each in today["facts"]] == ["Lee Wong"]
    assert [each["value"] for each in february["facts"]] == ["Dana Reyes"]
    assert february["facts"][0]["sources"][0]["source"] == "crm"
    shown = context(data, "query", "who is the champion", "--entity", "Kahuna").stdout
    assert "Lee Wong" in shown
    assert "2026-03-01" in shown


def test_the_same_file_again_changes_nothing(data: Path) -> None:
    told = answered(data, "assert", str(data.parent / "facts.jsonl"), "--source", "crm")
    assert (told["facts"], told.get("added", 0), told["refusals"]) == (3, 0, [])


def test_why_is_explained_and_what_kept_a_fact_out(data: Path) -> None:
    dana = answered(data, "query", "champion", "--entity", "Kahuna", "--as-of", "2026-02-15")["facts"][0]
    [told] = answered(data, "explain", "champion", "--entity", "Kahuna", "--fact", dana["id"])["facts"]
    assert told["kept_out_by"] == ["as_of: it had ended"]
    assert "as_of: it had ended" in context(data, "explain", "champion", "--entity", "Kahuna", "--fact", dana["id"]).stdout


def test_entities_are_listed_and_found_by_a_part_of_their_name(data: Path) -> None:
    assert [each["name"] for each in answered(data, "entities")] == ["Globex", "Kahuna"]
    assert [each["name"] for each in answered(data, "entities", "kahu")] == ["Kahuna"]
    assert "Globex" in context(data, "entities").stdout


def test_signals_are_evaluated_and_listed(data: Path) -> None:
    [found] = answered(data, "signals", "Kahuna")
    assert (found["signal"], found["verdict"]) == ("champion-left", "replaced")
    assert answered(data, "signals")[0]["reason"] == found["reason"]


def test_what_a_predicate_was_declared_is_shown(data: Path) -> None:
    rows = answered(data, "predicates", "champion", "stage")
    assert {row["predicate"]: row["values"] for row in rows} == {"champion": "one", "stage": "many"}


def test_two_names_of_one_are_proposed_linked_and_parted_again(tmp_path: Path) -> None:
    folder, file = tmp_path / "data", tmp_path / "facts.jsonl"
    told = [{"subject": {"kind": "account", "name": name}, "predicate": "stage", "value": "won"} for name in ("Globex A", "Globex AB")]
    file.write_text(json.dumps({"facts": told}), encoding="utf-8")
    assert context(folder, "predicates", "stage").returncode == 0
    assert context(folder, "assert", str(file)).returncode == 0
    assert "Globex" in context(folder, "proposals").stdout
    [found] = answered(folder, "proposals")["proposals"]
    ids = (found["entity"]["id"], found["other"]["id"])
    assert "say --same" in context(folder, "link", *ids).stderr
    assert answered(folder, "link", *ids, "--same")["believed"] == 1
    assert answered(folder, "proposals")["proposals"] == []
    assert [each["decided_by"] for each in answered(folder, "proposals", "--decided")["proposals"]] == ["operator"]
    assert "are open again" in context(folder, "link", *ids, "--undo").stdout
    assert "there is no such entity" in context(folder, "link", "Nobody", ids[0], "--same").stderr


def test_a_fact_is_taken_back_and_an_entity_forgotten(tmp_path: Path) -> None:
    folder, file = tmp_path / "data", tmp_path / "facts.json"
    file.write_text(json.dumps({"facts": FACTS, "episode": {"source": "call", "source_id": "7"}}), encoding="utf-8")
    assert context(folder, "assert", str(file)).returncode == 0
    one = answered(folder, "query", "stage of Globex")["facts"][0]
    assert answered(folder, "retract", one["id"], "--reason", "wrong")["claims"] == 1
    assert answered(folder, "query", "stage of Globex", "--entity", "Globex")["facts"] == []
    assert context(folder, "forget", "--entity", "Kahuna", "--dry-run").returncode == 0
    assert len(answered(folder, "query", "champion", "--entity", "Kahuna")["facts"]) == 2
    assert answered(folder, "forget", "--entity", "Kahuna", "--yes")["rows"]["facts"] == 2
    gone = context(folder, "query", "champion", "--entity", "Kahuna")
    assert (gone.returncode, "no such entity" in gone.stderr) == (1, True)


def test_the_trail_of_who_did_what_keeps_no_word_of_what_is_forgotten(tmp_path: Path) -> None:
    """Rows of the trail stay, so they name ids alone."""
    folder, file = tmp_path / "data", tmp_path / "kahuna.json"
    file.write_text(json.dumps({"facts": FACTS, "episode": {"source": "kahuna call", "source_id": "7"}}), encoding="utf-8")
    assert context(folder, "assert", str(file)).returncode == 0
    one = answered(folder, "query", "stage of Globex")["facts"][0]
    assert context(folder, "retract", one["id"], "--reason", "Kahuna said so").returncode == 0
    assert context(folder, "forget", "--source", "kahuna call", "--yes", "--scrub").returncode == 0
    assert context(folder, "assert", str(file)).returncode == 0
    assert context(folder, "forget", "--entity", "Kahuna", "--documents", "--yes").returncode == 0
    rows = json.loads(ascend_here("audit", "events", "--changes-only", "--json", data_dir=folder).stdout)
    assert [row["target"] for row in rows if row["action"] == "context retract"] == [one["id"]]
    assert [row["details"]["--entity"] for row in rows if row["action"] == "context forget" and "--entity" in row["details"]] == [
        "[not kept]"
    ]
    assert not [path for path in folder.rglob("*") if path.is_file() and b"kahuna" in path.read_bytes().lower()]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("query", "x", "--as-of", "soon"), "'soon' is no time"),
        (("query", "x", "--tenant", "nobody"), "no tenant 'nobody'"),
        (("query", "x", "--entity", "ent_zzz"), "no such entity"),
        (("explain", "x", "--fact", "fct_zzz"), "no such fact"),
        (("retract", "fct_zzz"), "no such fact"),
        (("forget", "--yes"), "name exactly one of"),
        (("forget", "--entity", "Kahuna", "--source", "crm", "--yes"), "name exactly one of"),
        (("eval", "."), "nothing to search"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_what_cannot_be_done_is_said_in_one_line(data: Path, words: tuple[str, ...], told: str) -> None:
    said = context(data, *words)
    assert said.returncode == 1
    assert told in said.stderr
    assert said.stderr.count("\n") == 1


def test_a_line_that_is_wrong_is_named_and_what_was_kept_before_it(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "facts.jsonl"
    whole = {"facts": [{"subject": "Initech", "predicate": "stage", "value": "open"}], "episode": {"source": "mail"}}
    file.write_text(f"{json.dumps(whole)}\n{json.dumps({**whole, 'facts': [{'subject': 'Initech'}]})}\n", encoding="utf-8")
    said = context(data, "assert", str(file), "--tenant", "default")
    assert said.returncode == 1
    assert "facts.jsonl:2" in said.stderr
    assert "1 facts before it were kept" in said.stderr


def test_judged_questions_are_measured_dated_and_not(tmp_path: Path) -> None:
    """The form of the development data: the filter by day is what finds the right one."""
    folder = tmp_path / "judged"
    folder.mkdir()
    facts = [
        {
            "id": f"f{n}",
            "subject": "Kahuna",
            "predicate": "champion",
            "object": name,
            "valid_from": f"2026-0{n}-01",
            "valid_to": f"2026-0{n + 1}-01",
        }
        for n, name in enumerate(("Ana", "Ben", "Cleo"), 1)
    ]
    question = {"query": "who was the champion at Kahuna in February 2026", "undated": "who was the champion at Kahuna"}
    queries = [{**question, "as_of": f"2026-0{n}-15", "gold": [f"f{n}"]} for n in (1, 2, 3)]
    for name, entries in (("facts", facts), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, entries)), encoding="utf-8")
    dated = answered(tmp_path / "data", "eval", str(folder))
    assert (dated["facts"], dated["queries"], dated["ndcg_at_10"], dated["recall_at_1"]) == (3, 3, 1.0, 1.0)
    assert answered(tmp_path / "data", "eval", str(folder), "--undated")["recall_at_1"] < 1
    assert "nDCG@10" in context(tmp_path / "data", "eval", str(folder), "--words").stdout


def test_passages_are_measured_by_the_same_command(tmp_path: Path) -> None:
    folder = tmp_path / "judged"
    folder.mkdir()
    passages = [
        {"id": f"p{n}", "document": "d", "text": text} for n, text in enumerate(("cats sleep", "stocks fell sharply", "rain tomorrow"))
    ]
    (folder / "passages.jsonl").write_text("\n".join(map(json.dumps, passages)), encoding="utf-8")
    (folder / "queries.jsonl").write_text(json.dumps({"query": "what happened to stocks", "gold": ["p1"]}), encoding="utf-8")
    assert answered(tmp_path / "data", "eval", str(folder))["ndcg_at_10"] == 1.0
