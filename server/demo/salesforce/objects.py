"""The records that the Salesforce stand-in begins with: the same for the same seed and first day."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from server.demo.salesforce.faults import SalesforceFaults
from server.demo.salesforce.record import Record
from server.demo.stand_ins.companies import CONTACTS_A_COMPANY, REPS, Company, company, contact
from server.demo.stand_ins.record_ids import record_id

STAGES = ("Prospecting", "Qualification", "Proposal", "Negotiation", "Closed Won")
LOST = "Closed Lost"
_INDUSTRIES = ("Manufacturing", "Retail", "Finance", "Healthcare", "Energy", "Education", None)
_DEALS = ("Annual licence", "Pilot project", "Support contract", "Data migration", "Training package", "Site expansion")
#: object -> fields that a query may name beside those of every record
FIELDS = {
    "User": ("Name", "Email", "Username", "Title", "IsActive"),
    "Account": ("Name", "Industry", "Website", "Type", "NumberOfEmployees", "OwnerId", "ParentId"),
    "Contact": ("Name", "FirstName", "LastName", "Email", "Phone", "Title", "AccountId", "OwnerId"),
    "Lead": ("Name", "Email", "Company", "Status", "IsConverted", "OwnerId"),
    "Opportunity": ("Name", "AccountId", "StageName", "Amount", "CloseDate", "OwnerId", "IsWon", "IsClosed", "Type"),
    "OpportunityContactRole": ("OpportunityId", "ContactId", "Role", "IsPrimary"),
    "OpportunityFieldHistory": ("OpportunityId", "Field", "OldValue", "NewValue", "CreatedById"),
    "Task": ("Subject", "WhoId", "WhatId", "ActivityDate", "Status", "OwnerId"),
    "Event": ("Subject", "WhoId", "WhatId", "ActivityDateTime", "OwnerId"),
}
#: of a lookup, the name by which a query reaches what it refers to: Account.Name
RELATIONS = {
    "Account": "AccountId",
    "Owner": "OwnerId",
    "Parent": "ParentId",
    "Contact": "ContactId",
    "Opportunity": "OpportunityId",
    "Who": "WhoId",
    "What": "WhatId",
}
#: fields of which the history is kept
TRACKED = frozenset({"StageName", "Amount", "OwnerId", "CloseDate"})
MOST_EDITS = 1_000
EVERY_RECORD = ("Id", "IsDeleted", "CreatedDate", "LastModifiedDate", "SystemModstamp")


def fields_of(kind: str) -> frozenset[str]:
    """Return what a query may name of an object; rows of a history never change, and have no SystemModstamp."""
    own = {"Id", "IsDeleted", "CreatedDate"} if kind == "OpportunityFieldHistory" else set(EVERY_RECORD)
    related = {f"{relation}.Name" for relation, lookup in RELATIONS.items() if lookup in FIELDS[kind]}
    return frozenset(own.union(FIELDS[kind], related))


@dataclass(frozen=True, slots=True)
class _Making:
    first_day: datetime
    faults: SalesforceFaults

    def record(self, kind: str, number: int, created_at: datetime, fields: dict[str, Any]) -> Record:
        every = self.faults.late_every
        late_s = float(self.faults.late_s) if every and number % every == 0 else 0.0
        return Record(record_id(kind, number), created_at, [(created_at, fields)], late_s=late_s)


def first_objects(first_day: datetime, accounts: int, seed: int, faults: SalesforceFaults) -> dict[str, dict[str, Record]]:
    """Return every object's records by id: `accounts`, five contacts and two opportunities for each, their stages over 40 days."""
    making = _Making(first_day, faults)
    made: dict[str, list[Record]] = {kind: [] for kind in FIELDS}
    made["User"] = [making.record("User", n + 1, first_day, _user(n)) for n in range(len(REPS))]
    for number in range(accounts):
        dice = random.Random(f"salesforce:{seed}:{number}")  # noqa: S311  made-up records
        for kind, record in _of_account(making, number, dice):
            made[kind].append(record)
    return {kind: {record.record_id: record for record in records} for kind, records in made.items()}


def _user(number: int) -> dict[str, Any]:
    person = REPS[number]
    return {"Name": person.name, "Email": person.email, "Username": person.email, "Title": person.title, "IsActive": True}


def _of_account(making: _Making, number: int, dice: random.Random) -> Iterator[tuple[str, Record]]:
    firm, owner = company(number), dice.choice(REPS).record_id
    # Loads by the hundred share one stamp.
    created_at = making.first_day + timedelta(minutes=number // 100)
    fields = {"Name": firm.name, "Industry": dice.choice(_INDUSTRIES), "Website": firm.domain, "Type": "Prospect",
              "NumberOfEmployees": dice.choice((12, 85, 320, 2400)), "OwnerId": owner, "ParentId": None}  # fmt: skip
    yield "Account", making.record("Account", number + 1, created_at, fields)
    for place in range(CONTACTS_A_COMPANY):
        yield "Contact", _contact(making, firm, place, owner, created_at)
    name = f"Prospect {number + 1}"
    lead = {"Name": name, "Email": f"lead{number + 1}@prospect.example", "Company": f"{name} Ltd", "Status": "Open",
            "IsConverted": False, "OwnerId": owner}  # fmt: skip
    yield "Lead", making.record("Lead", number + 1, created_at, lead)
    for place in range(2):
        yield from _deal(making, firm, number * 2 + place, dice, created_at)


def _contact(making: _Making, firm: Company, place: int, owner: str, created_at: datetime) -> Record:
    person = contact(firm.number, place)
    fields = {"Name": person.name, "FirstName": person.first_name, "LastName": person.last_name, "Email": person.email,
              "Phone": None, "Title": person.title, "AccountId": firm.account_id, "OwnerId": owner}  # fmt: skip
    return making.record("Contact", person.number + 1, created_at, fields)


def _deal(making: _Making, firm: Company, number: int, dice: random.Random, created_at: datetime) -> Iterator[tuple[str, Record]]:
    begun_at = created_at + timedelta(days=dice.randrange(0, 5), minutes=dice.randrange(1, 600))
    owner = dice.choice(REPS).record_id
    fields: dict[str, Any] = {
        "Name": f"{firm.name} {dice.choice(_DEALS)}",
        "AccountId": firm.account_id,
        "StageName": STAGES[0],
        "Amount": dice.randrange(4, 400) * 500.0,
        "CloseDate": (created_at + timedelta(days=90)).date().isoformat(),
        "OwnerId": owner,
        "IsWon": False,
        "IsClosed": False,
        "Type": "New Business",
    }
    deal = making.record("Opportunity", number + 1, begun_at, fields)
    for stage in (*STAGES[1 : dice.randrange(1, 5)], dice.choice((STAGES[-1], LOST))):
        at = deal.versions[-1][0] + timedelta(days=dice.randrange(1, 9), minutes=dice.randrange(600))
        is_closed = stage in (STAGES[-1], LOST)
        deal.change(at, StageName=stage, IsWon=stage == STAGES[-1], IsClosed=is_closed)
    yield "Opportunity", deal
    who = contact(firm.number, number % CONTACTS_A_COMPANY)
    role = {"OpportunityId": deal.record_id, "ContactId": who.record_id, "Role": "Decision Maker", "IsPrimary": True}
    yield "OpportunityContactRole", making.record("OpportunityContactRole", number + 1, begun_at, role)
    task = {"Subject": f"Call {who.name}", "WhoId": who.record_id, "WhatId": deal.record_id,
            "ActivityDate": begun_at.date().isoformat(), "Status": "Completed", "OwnerId": owner}  # fmt: skip
    yield "Task", making.record("Task", number + 1, begun_at, task)
    event = {"Subject": f"Meeting with {firm.name}", "WhoId": who.record_id, "WhatId": deal.record_id,
             "ActivityDateTime": begun_at, "OwnerId": owner}  # fmt: skip
    yield "Event", making.record("Event", number + 1, begun_at, event)


def history_of(opportunities: dict[str, Record], now: datetime) -> dict[str, Record]:
    """Return the OpportunityFieldHistory of all opportunities: a row for each tracked change that happened by now."""
    rows: dict[str, Record] = {}
    for number, deal in enumerate(opportunities.values()):
        for n, (at, name, before, after) in enumerate(deal.edits):
            if name in TRACKED and at + timedelta(seconds=deal.late_s) <= now:
                row_id = record_id("OpportunityFieldHistory", number * MOST_EDITS + n + 1)
                row = {"OpportunityId": deal.record_id, "Field": name, "OldValue": before, "NewValue": after, "CreatedById": None}
                rows[row_id] = Record(row_id, at, [(at, row)])
    return rows
