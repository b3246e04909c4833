"""From a call to an item: its text, and the facts that it is the record of."""

from collections.abc import Iterator, Mapping
from typing import Any

from tools.context_plane.facts import Cardinality
from tools.context_plane.times import time_text
from tools.operation import Json
from tools.workflows.ingestion.gong.seen_call import SeenCall
from tools.workflows.ingestion.item import Item, content_of, line_of
from tools.workflows.ingestion.salesforce_ids import id18

SOURCE = "gong"
MAX_NAME_CHARS, MAX_KEY_CHARS = 200, 300
#: of one call
MAX_PARTICIPANTS = 100
_KIND_BY_OBJECT = {"account": "account", "opportunity": "opportunity", "lead": "person", "contact": "person"}
CARDINALITIES: Mapping[str, Cardinality] = {"title": "one", "started at": "one"}


def item_of(call: SeenCall, audience: str) -> Item:
    """Return the item of a call for an audience: '' or the one subject who may see it. Raises BadTime."""
    title = _title(call)
    started = time_text(call.started_us) or ""
    accounts = ", ".join(_names_of_records(call))
    metadata = {"source": SOURCE, "call_id": call.call_id, "started": started, "account": accounts}
    return Item(
        source=SOURCE,
        source_id=call.call_id,
        kind="transcript" if call.transcript else "call",
        occurred_at_us=call.started_us,
        content=content_of("\n".join(_lines(call, title, started, accounts))),
        facts=tuple(_facts(call, title, started)),
        cardinalities=CARDINALITIES,
        audience=audience,
        url=line_of(call.metadata.get("url"), 2_000),
        replaces=True,
        # Two calls of one title are two documents.
        document_name=f"{title} · {started} · {call.call_id}" if call.transcript else "",
        document_metadata={name: value for name, value in metadata.items() if value},
    )


def _title(call: SeenCall) -> str:
    return line_of(call.metadata.get("title"), MAX_NAME_CHARS) or f"Call {call.call_id}"


def _lines(call: SeenCall, title: str, started: str, accounts: str) -> Iterator[str]:
    yield f"# {title}"
    yield ""
    yield f"Call on {started}, {call.metadata.get('duration') or 0} seconds" + (", private" if call.is_private else "")
    if accounts:
        yield f"About: {accounts}"
    if call.parties:
        yield "Participants: " + ", ".join(_described(party) for party in call.parties[:MAX_PARTICIPANTS])
    speakers = {party["speakerId"]: _party_name(party) for party in call.parties if party.get("speakerId")}
    topic = None
    for turn in call.transcript or ():
        if turn.get("topic") and turn["topic"] != topic:
            topic = turn["topic"]
            yield ""
            yield f"## {line_of(topic, MAX_NAME_CHARS)}"
        said = " ".join(str(sentence.get("text") or "") for sentence in turn.get("sentences") or ())
        yield ""
        yield f"{speakers.get(turn.get('speakerId'), 'Somebody')}: {said}"


def _described(party: Mapping[str, Json]) -> str:
    title, affiliation = line_of(party.get("title"), MAX_NAME_CHARS), party.get("affiliation")
    more = ", ".join(each for each in (title, affiliation if affiliation in ("Internal", "External") else "") if each)
    return f"{_party_name(party)} ({more})" if more else _party_name(party)


def _party_name(party: Mapping[str, Json]) -> str:
    name = line_of(party.get("name"), MAX_NAME_CHARS) or line_of(party.get("emailAddress"), MAX_NAME_CHARS)
    return name or line_of(party.get("phoneNumber"), MAX_NAME_CHARS) or "Somebody"


def _facts(call: SeenCall, title: str, started: str) -> Iterator[dict[str, Any]]:
    the_call = {"kind": "call", "name": title, "keys": {SOURCE: call.call_id}}
    yield {"subject": the_call, "predicate": "started at", "value": started, "valid_from": started}
    for record in _records(call.details or {}):
        if (about := _mention_of_record(record)) is not None:
            yield {"subject": the_call, "predicate": "about", "value": about, "valid_from": started}
    owner = call.metadata.get("primaryUserId")
    for party in call.parties[:MAX_PARTICIPANTS]:
        person = _person(party)
        if person is None:
            continue
        yield {"subject": the_call, "predicate": "participant", "value": person, "valid_from": started}
        if owner and party.get("userId") == owner:
            yield {"subject": the_call, "predicate": "host", "value": person, "valid_from": started}
        # Of somebody known by name alone it is not known whose title it is.
        if person.get("keys") and (role := line_of(party.get("title"), MAX_NAME_CHARS)):
            yield {"subject": person, "predicate": "title", "value": role, "valid_from": started}


def _person(party: Mapping[str, Json]) -> dict[str, Any] | None:
    """Return who a party is, by keys; None for a telephone in a room."""
    name, email = line_of(party.get("name"), MAX_NAME_CHARS), line_of(party.get("emailAddress"), MAX_KEY_CHARS)
    keys: dict[str, Json] = {"email": email} if "@" in email else {}
    if party.get("userId"):
        keys["gong_user"] = str(party["userId"])[:MAX_KEY_CHARS]
    for record in _records(party):
        if record.get("objectType") in ("Contact", "Lead") and record.get("objectId"):
            keys["salesforce"] = id18(str(record["objectId"])[:MAX_KEY_CHARS])
    if not (name or keys):
        return None
    return {"kind": "person", "name": name or email or next(str(key) for key in keys.values()), "keys": keys}


def _records(holder: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    """Yield the CRM records that a call or a party is joined to."""
    for context in holder.get("context") or ():
        yield from (context.get("objects") or ()) if context.get("system") == "Salesforce" else ()


def _mention_of_record(record: Mapping[str, Json]) -> dict[str, Any] | None:
    kind = _KIND_BY_OBJECT.get(str(record.get("objectType")).lower())
    if kind is None or not record.get("objectId"):
        return None
    key = id18(str(record["objectId"])[:MAX_KEY_CHARS])
    return {"kind": kind, "name": _record_name(record) or key, "keys": {"salesforce": key}}


def _record_name(record: Mapping[str, Json]) -> str:
    named = (field.get("value") for field in record.get("fields") or () if field.get("name") == "Name")
    return line_of(next(named, None), MAX_NAME_CHARS)


def _names_of_records(call: SeenCall) -> list[str]:
    return [name for record in _records(call.details or {}) if (name := _record_name(record))]
