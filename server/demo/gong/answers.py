"""A call in Gong's words: metadata, details, transcript."""

import random
from typing import Any

from server.demo.gong.calls import GongCall
from server.demo.stand_ins.clock import text_of
from server.demo.stand_ins.companies import Person

_SMALL_TALK = ("Thanks for joining.", "Can everybody hear me?", "Let me share my screen.", "That makes sense.", "Good question.",
               "I will send the notes afterwards.", "Who else should be in the loop?")  # fmt: skip
_SUBSTANCE = (
    "Our budget for this is {amount} dollars, and it ends with the quarter.",
    "The security team needs the penetration test report before {weekday}.",
    "We compared you with {rival}, and the integration was what decided it.",
    "{name} signs everything above {amount} dollars.",
    "We want to go live with {seats} seats in {month}.",
    "The rollout in {city} waits for the single sign-on.",
)
_RIVALS = ("Norvane", "Quillstack", "Brightfold", "Tessera Cloud")
_CITIES = ("London", "Oslo", "Lisbon", "Toronto", "Nairobi", "Osaka", "Austin", "Lyon")
_MONTHS = ("January", "March", "April", "June", "September", "November")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
WORKSPACE = "1053207214089213"


def call_metadata(call: GongCall, version: int, *, is_private: bool) -> dict[str, Any]:
    """Return a call as `GET /v2/calls` lists it."""
    return {
        "id": call.call_id,
        "url": f"https://app.gong.io/call?id={call.call_id}",
        "title": call.title if version == 1 else f"{call.title} (updated)",
        "scheduled": text_of(call.started),
        "started": text_of(call.started),
        "duration": call.duration_s,
        "primaryUserId": _user_id(call.reps[0]),
        "direction": "Conference",
        "system": "Zoom",
        "scope": "External",
        "media": "Video",
        "language": "eng",
        "workspaceId": WORKSPACE,
        "purpose": call.topic,
        "meetingUrl": None,
        "isPrivate": is_private,
        "calendarEventId": None,
        "clientUniqueId": None,
    }


def call_parties(call: GongCall) -> list[dict[str, Any]]:
    """Return who took part."""
    parties = [_party(call, each, n, "Internal") for n, each in enumerate(call.reps)]
    return parties + [_party(call, each, len(parties) + n, "External") for n, each in enumerate(call.contacts)]


def call_context(call: GongCall) -> list[dict[str, Any]]:
    """Return the CRM records that a call is about."""
    fields = [{"name": "Name", "value": call.company.name}, {"name": "Website", "value": call.company.domain}]
    return [
        {"system": "Salesforce", "objects": [{"objectType": "Account", "objectId": call.company.account_id, "fields": fields}]},
    ]


def call_transcript(call: GongCall, version: int) -> dict[str, Any]:
    """Return what was said, by speakers in turns; sentences have milliseconds from the start."""
    dice = random.Random(f"transcript:{call.call_id}:{version}")  # noqa: S311  made-up words
    speakers = [*call.reps, *call.contacts]
    at_ms, monologues = 0, []
    for turn in range(dice.randrange(8, 20)):
        speaker = speakers[turn % len(speakers)]
        sentences = []
        for text in (_said(dice, call), *dice.sample(_SMALL_TALK, dice.randrange(1, 3))):
            length_ms = 60 * len(text)
            sentences.append({"start": at_ms, "end": at_ms + length_ms, "text": text})
            at_ms += length_ms + 200
        monologues.append({"speakerId": _speaker_id(call, speaker), "topic": call.topic if turn else "Call Setup", "sentences": sentences})
    return {"callId": call.call_id, "transcript": monologues}


def _said(dice: random.Random, call: GongCall) -> str:
    return dice.choice(_SUBSTANCE).format(
        amount=f"{dice.randrange(5, 400) * 1000:,}",
        weekday=dice.choice(_WEEKDAYS),
        rival=dice.choice(_RIVALS),
        name=dice.choice(call.contacts).name,
        seats=dice.randrange(10, 900),
        month=dice.choice(_MONTHS),
        city=dice.choice(_CITIES),
    )


def _party(call: GongCall, person: Person, place: int, affiliation: str) -> dict[str, Any]:
    party: dict[str, Any] = {
        "id": f"{call.call_id[:-2]}{place:02d}",
        "emailAddress": person.email,
        "name": person.name,
        "title": person.title,
        "speakerId": _speaker_id(call, person),
        "affiliation": affiliation,
        "methods": ["Attendee"],
        "context": [],
    }
    if affiliation == "Internal":
        return party | {"userId": _user_id(person)}
    objects = [{"objectType": "Contact", "objectId": person.record_id, "fields": []}]
    return party | {"phoneNumber": None, "context": [{"system": "Salesforce", "objects": objects}]}


def user(person: Person) -> dict[str, Any]:
    """Return one of the company's own people as `GET /v2/users` lists them."""
    return {
        "id": _user_id(person),
        "emailAddress": person.email,
        "firstName": person.first_name,
        "lastName": person.last_name,
        "title": person.title,
        "active": True,
    }


def _speaker_id(call: GongCall, person: Person) -> str:
    return str(int(call.call_id) % 10**12 * 1000 + person.number % 1000)


def _user_id(person: Person) -> str:
    return str(4_100_000_000_000_000_000 + person.number)
