"""From a call as Gong shows it to facts and text: who is known by what, and what is missing is missing."""

from typing import Any

import pytest

from tools.context_plane.arguments.assertions import assertion_of
from tools.context_plane.times import BadTime
from tools.workflows.ingestion.gong.call_item import item_of
from tools.workflows.ingestion.gong.seen_call import SeenCall

STARTED = "2026-11-02T09:00:00+01:00"
METADATA = {"id": "123", "title": "Demo", "started": STARTED, "duration": 60, "primaryUserId": "u1", "isPrivate": False}
REP = {"name": "Mara Lindqvist", "emailAddress": "mara@seller.example", "title": "AE", "userId": "u1", "speakerId": "s1"}
CONTACT = {"objectType": "Contact", "objectId": "0035g0000FAsMeO"}


def call(*parties: dict[str, Any], turns: Any = (), metadata: dict[str, Any] = METADATA, context: Any = ()) -> SeenCall:
    return SeenCall(metadata, {"metaData": metadata, "parties": list(parties), "context": list(context)}, turns)


def said(call: SeenCall) -> list[tuple[str, Any]]:
    item = item_of(call, "")
    facts = [dict(fact) for fact in item.facts]
    assertion_of({"facts": facts, "episode": {"source": "gong", "content": item.content}})
    return [(str(fact["predicate"]), fact["value"]) for fact in facts]


def test_a_time_is_the_moment_that_it_means() -> None:
    assert ("started at", "2026-11-02T08:00:00Z") in said(call(REP))
    with pytest.raises(BadTime):
        item_of(call(metadata={**METADATA, "started": None}), "")


def test_a_party_is_known_by_its_address_its_number_and_its_record() -> None:
    customer = {"name": "Dana Reyes", "emailAddress": "dana@kahuna.example", "context": [{"system": "Salesforce", "objects": [CONTACT]}]}
    people = dict.fromkeys(value["name"] for predicate, value in said(call(REP, customer)) if predicate == "participant")
    assert list(people) == ["Mara Lindqvist", "Dana Reyes"]
    keys = [value["keys"] for predicate, value in said(call(REP, customer)) if predicate in ("participant", "host")]
    assert keys[0] == {"email": "mara@seller.example", "gong_user": "u1"}
    assert keys[-1] == {"email": "dana@kahuna.example", "salesforce": "0035g0000FAsMeOAQV"}


def test_a_party_of_whom_nothing_is_known_is_nobody() -> None:
    assert [predicate for predicate, _ in said(call({"phoneNumber": "+1 555", "speakerId": "s9"}))] == ["started at"]


def test_a_title_is_nobodys_who_is_known_by_name_alone() -> None:
    assert "title" not in dict(said(call({"name": "Somebody Else", "title": "CTO"})))


def test_the_host_is_the_primary_user() -> None:
    assert [value["name"] for predicate, value in said(call({"name": "A", "userId": "u2"}, REP)) if predicate == "host"] == [
        "Mara Lindqvist"
    ]


def test_who_speaks_without_being_a_party_is_somebody() -> None:
    turns = [{"speakerId": "s1", "sentences": [{"text": "Hello."}]}, {"speakerId": "s7", "sentences": [{"text": "Hi."}, {"text": "Yes."}]}]
    content = item_of(call(REP, turns=turns), "").content
    assert "Mara Lindqvist: Hello." in content
    assert "Somebody: Hi. Yes." in content


def test_a_call_is_about_the_records_that_it_is_joined_to() -> None:
    account = {"objectType": "Account", "objectId": "001000000000001AAA", "fields": [{"name": "Name", "value": "Kahuna"}]}
    other = {"objectType": "CustomThing", "objectId": "a0B000000000001AAA", "fields": []}
    context = [{"system": "Salesforce", "objects": [account, other]}, {"system": "HubSpot", "objects": [account]}]
    about = [value for predicate, value in said(call(REP, context=context)) if predicate == "about"]
    assert about == [{"kind": "account", "name": "Kahuna", "keys": {"salesforce": "001000000000001AAA"}}]


def test_a_meeting_of_hundreds_is_still_one_item() -> None:
    parties = [{"name": f"Person {n}", "emailAddress": f"p{n}@kahuna.example", "title": "x" * 5_000} for n in range(400)]
    assert len(said(call(*parties))) < 500


def test_what_nobody_sees_is_taken_out_and_the_same_call_has_one_hash() -> None:
    strange = call(REP, turns=[{"speakerId": "s1", "sentences": [{"text": "a\u202eb\x00c"}]}])
    first, second = item_of(strange, ""), item_of(strange, "")
    assert "abc" in first.content
    assert first.content_hash == second.content_hash
    assertion, _ = assertion_of({"facts": [dict(fact) for fact in first.facts], "episode": {"source": "gong", "content": first.content}})
    assert assertion.content_hash == first.content_hash
