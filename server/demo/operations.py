"""What each operation of the demo CRM does, by its operationId."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from server.demo.problems import conflict, invalid
from server.demo.records import Records, matching, page
from server.demo.seed import Row


@dataclass(frozen=True, slots=True)
class Given:
    """A request that the contract has read: `ids` from the path, `query` with defaults, and who is connected."""

    records: Records
    ids: Mapping[str, str]
    query: Mapping[str, Any]
    body: Mapping[str, Any]
    owner_id: str
    now: float

    def page(self, rows: list[Row]) -> Row:
        return page(rows, self.query["limit"], self.query["after"])


Answer = Row | None


def list_contacts(given: Given) -> Answer:
    wanted = {name: given.query[name] for name in ("company_id", "owner_id", "lifecycle")}
    rows = given.records.find("contacts", **wanted)
    return given.page(matching(rows, given.query["query"] or "", lambda row: _contact_text(given.records, row)))


def search_contacts(given: Given) -> Answer:
    return given.page(matching(given.records.find("contacts"), given.query["query"], lambda row: _contact_text(given.records, row)))


def create_contact(given: Given) -> Answer:
    _check_contact(given, given.body)
    nothing = {"phone": None, "job_title": None, "lifecycle": "lead", "company_id": None, "owner_id": given.owner_id}
    return given.records.add("contacts", nothing | dict(given.body))


def update_contact(given: Given) -> Answer:
    row = given.records.get("contacts", given.ids["contact_id"])
    _check_contact(given, given.body, but=row["id"])
    row.update(given.body)
    return row


def delete_contact(given: Given) -> Answer:
    contact_id = given.ids["contact_id"]
    given.records.get("contacts", contact_id)
    if open_deals := given.records.find("deals", contact_id=contact_id, stage="open"):
        raise conflict(f"{contact_id} has {len(open_deals)} open deals; close or move them first", existing_id=open_deals[0]["id"])
    for deal in given.records.find("deals", contact_id=contact_id):
        deal["contact_id"] = None
    given.records.remove("contacts", contact_id)
    return None


def merge_contacts(given: Given) -> Answer:
    kept = given.records.get("contacts", given.ids["contact_id"])
    duplicate_id = given.body["duplicate_id"]
    given.records.must_exist("duplicate_id", "contacts", duplicate_id)
    if duplicate_id == kept["id"]:
        raise invalid(("duplicate_id", "is the contact itself"))
    for deal in given.records.find("deals", contact_id=duplicate_id):
        deal["contact_id"] = kept["id"]
    for note in given.records.find("notes", about_id=duplicate_id):
        note["about_id"] = kept["id"]
    given.records.remove("contacts", duplicate_id)
    return kept


def list_companies(given: Given) -> Answer:
    return given.page(given.records.find("companies", industry=given.query["industry"]))


def search_companies(given: Given) -> Answer:
    def text(row: Row) -> str:
        return f"{row['name']} {row['domain']} {row['city']} {row['industry']}"

    return given.page(matching(given.records.find("companies"), given.query["query"], text))


def create_company(given: Given) -> Answer:
    _check_domain(given)
    return given.records.add("companies", {"city": None, "employees": None} | dict(given.body))


def update_company(given: Given) -> Answer:
    row = given.records.get("companies", given.ids["company_id"])
    _check_domain(given, but=row["id"])
    row.update(given.body)
    return row


def delete_company(given: Given) -> Answer:
    company_id = given.ids["company_id"]
    given.records.get("companies", company_id)
    if open_deals := given.records.find("deals", company_id=company_id, stage="open"):
        raise conflict(f"{company_id} has {len(open_deals)} open deals; close them first", existing_id=open_deals[0]["id"])
    for contact in given.records.find("contacts", company_id=company_id):
        contact["company_id"] = None
    given.records.remove("companies", company_id)
    return None


def list_deals(given: Given) -> Answer:
    wanted = {name: given.query[name] for name in ("stage", "contact_id", "company_id", "owner_id")}
    rows = given.records.find("deals", **wanted)
    if (least := given.query["min_amount"]) is not None:
        rows = [row for row in rows if row["amount"] >= least]
    if (day := given.query["closing_before"]) is not None:
        rows = [row for row in rows if row["close_date"] and row["close_date"] < day]
    return given.page(rows)


def search_deals(given: Given) -> Answer:
    def text(row: Row) -> str:
        contact = given.records.get("contacts", row["contact_id"]) if row["contact_id"] else None
        return f"{row['name']} {_contact_text(given.records, contact) if contact else ''}"

    return given.page(matching(given.records.find("deals", stage=given.query["stage"]), given.query["query"], text))


def create_deal(given: Given) -> Answer:
    given.records.must_exist("contact_id", "contacts", given.body["contact_id"])
    given.records.must_exist("owner_id", "owners", given.body.get("owner_id"))
    contact = given.records.get("contacts", given.body["contact_id"])
    start = {"step": "qualified", "close_date": None, "close_reason": None, "owner_id": given.owner_id}
    return given.records.add("deals", start | dict(given.body) | {"stage": "open", "company_id": contact["company_id"]})


def update_deal(given: Given) -> Answer:
    row = given.records.get("deals", given.ids["deal_id"])
    given.records.must_exist("contact_id", "contacts", given.body.get("contact_id"))
    given.records.must_exist("owner_id", "owners", given.body.get("owner_id"))
    row.update(given.body)
    return row


def close_deal(given: Given) -> Answer:
    row = given.records.get("deals", given.ids["deal_id"])
    if row["stage"] != "open":
        raise conflict(f"{row['id']} is {row['stage']} already; reopen it first")
    today = datetime.fromtimestamp(given.now, UTC).date().isoformat()
    row.update(stage=given.body["outcome"], step=None, close_date=today, close_reason=given.body.get("reason"))
    return row


def reopen_deal(given: Given) -> Answer:
    row = given.records.get("deals", given.ids["deal_id"])
    if row["stage"] == "open":
        raise conflict(f"{row['id']} is open already")
    row.update(stage="open", step="negotiation", close_reason=None)
    return row


def list_notes(given: Given) -> Answer:
    return given.page(matching(given.records.find("notes"), given.query["query"] or "", lambda row: str(row["text"])))


def create_note(given: Given) -> Answer:
    about = given.body["about_id"]
    tables = [table for table, prefix in (("contacts", "con_"), ("companies", "com_"), ("deals", "dea_")) if about.startswith(prefix)]
    given.records.must_exist("about_id", tables[0] if tables else "contacts", about)
    return given.records.add("notes", {**given.body, "author_id": given.owner_id})


def update_note(given: Given) -> Answer:
    row = given.records.get("notes", given.ids["note_id"])
    row.update(given.body)
    return row


def summarise_pipeline(given: Given) -> Answer:
    deals = given.records.find("deals", owner_id=given.query["owner_id"])
    counts = Counter(row["stage"] for row in deals)
    closed = counts["won"] + counts["lost"]
    return {
        "stages": _figures(deals, "stage", ("open", "won", "lost")),
        "steps": _figures([row for row in deals if row["stage"] == "open"], "step", ("qualified", "meeting", "proposal", "negotiation")),
        "win_rate": round(counts["won"] / closed, 3) if closed else None,
    }


def _get(table: str, id_name: str) -> Callable[[Given], Answer]:
    return lambda given: given.records.get(table, given.ids[id_name])


def _remove(table: str, id_name: str) -> Callable[[Given], Answer]:
    return lambda given: given.records.remove(table, given.ids[id_name])


def _related(owner_table: str, id_name: str, table: str, field: str) -> Callable[[Given], Answer]:
    def listed(given: Given) -> Answer:
        record_id = given.records.get(owner_table, given.ids[id_name])["id"]
        return given.page(given.records.find(table, **{field: record_id, "stage": given.query.get("stage")}))

    return listed


def _contact_text(records: Records, row: Row) -> str:
    company = records.get("companies", row["company_id"])["name"] if row["company_id"] else ""
    return f"{row['first_name']} {row['last_name']} {row['email']} {row['phone'] or ''} {row['job_title'] or ''} {company}"


def _check_contact(given: Given, fields: Mapping[str, Any], but: str | None = None) -> None:
    given.records.must_exist("company_id", "companies", fields.get("company_id"))
    given.records.must_exist("owner_id", "owners", fields.get("owner_id"))
    for row in given.records.find("contacts") if "email" in fields else []:
        if row["email"].casefold() == fields["email"].casefold() and row["id"] != but:
            raise conflict(f"a contact with the address {fields['email']} exists", existing_id=row["id"])


def _check_domain(given: Given, but: str | None = None) -> None:
    for row in given.records.find("companies", domain=given.body["domain"]) if "domain" in given.body else []:
        if row["id"] != but:
            raise conflict(f"a company with the domain {given.body['domain']} exists", existing_id=row["id"])


def _figures(deals: list[Row], field: str, names: tuple[str, ...]) -> dict[str, Row]:
    amounts: dict[str, list[float]] = defaultdict(list)
    for row in deals:
        amounts[row[field]].append(row["amount"])
    return {name: {"count": len(amounts[name]), "amount": sum(amounts[name])} for name in names}


#: operationId -> what it does
OPERATIONS: dict[str, Callable[[Given], Answer]] = {
    "contacts.list": list_contacts,
    "contacts.search": search_contacts,
    "contacts.get": _get("contacts", "contact_id"),
    "contacts.create": create_contact,
    "contacts.update": update_contact,
    "contacts.delete": delete_contact,
    "contacts.list_deals": _related("contacts", "contact_id", "deals", "contact_id"),
    "contacts.list_notes": _related("contacts", "contact_id", "notes", "about_id"),
    "contacts.merge": merge_contacts,
    "companies.list": list_companies,
    "companies.search": search_companies,
    "companies.get": _get("companies", "company_id"),
    "companies.create": create_company,
    "companies.update": update_company,
    "companies.delete": delete_company,
    "companies.list_contacts": _related("companies", "company_id", "contacts", "company_id"),
    "companies.list_deals": _related("companies", "company_id", "deals", "company_id"),
    "deals.list": list_deals,
    "deals.search": search_deals,
    "deals.get": _get("deals", "deal_id"),
    "deals.create": create_deal,
    "deals.update": update_deal,
    "deals.delete": _remove("deals", "deal_id"),
    "deals.close": close_deal,
    "deals.reopen": reopen_deal,
    "deals.list_notes": _related("deals", "deal_id", "notes", "about_id"),
    "notes.list": list_notes,
    "notes.get": _get("notes", "note_id"),
    "notes.create": create_note,
    "notes.update": update_note,
    "notes.delete": _remove("notes", "note_id"),
    "pipeline.summary": summarise_pipeline,
    "products.list": lambda given: given.page(given.records.find("products")),
    "owners.list": lambda given: given.page(given.records.find("owners")),
    "owners.me": lambda given: given.records.get("owners", given.owner_id),
}
