"""The data that the demo CRM starts with: the same every time."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

Row = dict[str, Any]
Tables = dict[str, dict[str, Row]]

_EPOCH = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_OWNERS = (("Mara Lindqvist", "Enterprise"), ("Tomás Ferreira", "Mid-market"), ("Aiko Tanaka", "Enterprise"), ("Joseph Okafor", "Renewals"))
FIRST_NAMES = (
    "Alan", "Barbara", "Charles", "Dorothy", "Edsger", "Frances", "Grace", "Hedy", "Ivan",
    "Joan", "Katherine", "Linus", "Margaret", "Niklaus", "Olga", "Peter", "Radia", "Sophie",
    "Tim", "Ursula", "Vint", "Whitfield", "Xia", "Yukihiro",
)  # fmt: skip
LAST_NAMES = (
    "Turing", "Liskov", "Vaughan", "Dijkstra", "Allen", "Hopper", "Lamarr", "Sutherland", "Clarke",
    "Johnson", "Hamilton", "Wirth", "Taussky", "Naur", "Perlman", "Wilson", "Berners", "Franklin",
    "Cerf", "Diffie", "Chen", "Matsumoto",
)  # fmt: skip
_TITLES = ("Head of Operations", "Purchasing Manager", "CTO", "Data Engineer", "Finance Director", "Product Owner", "IT Manager")
FIRMS = ("Northwind Bakery", "Lumen Optics", "Harbour Freight Lines", "Cobalt Finance", "Meadow Health", "Polar Energy", "Atlas Schools",
          "Quartz Robotics", "Willow Retail", "Beacon Software", "Delta Foundry", "Juniper Clinics", "Orchard Foods", "Signal Works",
          "Terrace Hotels", "Vertex Tools", "Canyon Outdoor", "Ember Heating", "Fjord Shipping", "Granite Bank", "Ivory Pianos",
          "Kestrel Drones", "Magnet Media", "Opal Insurance", "Prairie Seeds", "Raven Security", "Summit Cycles", "Tidal Power",
          "Umbra Lighting", "Zephyr Airlines")  # fmt: skip
_INDUSTRIES = ("software", "manufacturing", "retail", "finance", "health", "logistics", "energy", "education")
_CITIES = ("London", "Oslo", "Lisbon", "Kraków", "Toronto", "Nairobi", "Osaka", "Austin", "Lyon", "Utrecht")
_DEALS = ("Annual licence", "Pilot project", "Support contract", "Data migration", "Hardware refresh", "Training package", "Site expansion")
_PRODUCTS = (("Annual licence", 12_000, "yearly"), ("Pilot project", 4_500, "once"), ("Support contract", 950, "monthly"),
             ("Data migration", 8_000, "once"), ("Hardware refresh", 21_000, "once"), ("Training package", 1_800, "once"),
             ("Site expansion", 15_500, "once"))  # fmt: skip
_STEPS = ("qualified", "meeting", "proposal", "negotiation")
_NOTES = ("Called; asked for references from two customers of the same size.", "Budget is decided in the first week of the quarter.",
          "Prefers email to calls. Answers within a day.", "Met at the trade fair, wants a demonstration for the whole team.",
          "Security questionnaire sent, waiting for their legal team.", "Happy with support, open to a longer contract.")  # fmt: skip


def first_tables() -> Tables:
    """Return the rows of every table by id: 31 companies, 160 contacts, 223 deals, 180 notes, 4 owners, 7 products."""
    dice = random.Random(1843)  # noqa: S311  the year of Lovelace's notes; nothing secret comes from it
    tables: Tables = {name: {} for name in ("owners", "companies", "contacts", "deals", "notes", "products")}
    for number, (product, price, billed) in enumerate(_PRODUCTS, 8001):
        tables["products"][f"pro_{number}"] = {"id": f"pro_{number}", "name": product, "list_price": price, "billed": billed}
    for number, (name, team) in enumerate(_OWNERS, 1):
        email = f"{name.split()[0].lower().replace('á', 'a')}@crm.example"
        tables["owners"][f"own_{number}"] = {"id": f"own_{number}", "name": name, "email": email, "team": team}
    _add_companies(tables, dice)
    _add_contacts(tables, dice)
    _add_deals(tables, dice)
    about = [*tables["contacts"], *tables["deals"], *tables["companies"]]
    for number in range(6001, 6181):
        target = "con_1001" if number == 6001 else dice.choice(about)
        text = "Wants the difference engine quote split by quarter." if number == 6001 else dice.choice(_NOTES)
        row = {"about_id": target, "text": text, "author_id": _owner(dice)}
        tables["notes"][f"not_{number}"] = {"id": f"not_{number}", **row, "created_at": _moment(number - 6001)}
    return tables


def _add_companies(tables: Tables, dice: random.Random) -> None:
    for number, name in enumerate(("Analytical Engines", *FIRMS), 2001):
        tables["companies"][f"com_{number}"] = {
            "id": f"com_{number}",
            "name": name,
            "domain": f"{name.lower().replace(' ', '')}.example",
            "industry": "manufacturing" if number == 2001 else dice.choice(_INDUSTRIES),
            "city": "London" if number == 2001 else dice.choice(_CITIES),
            "employees": dice.choice((12, 40, 85, 150, 320, 900, 2400)),
            "created_at": _moment(number - 2001),
        }


def _add_contacts(tables: Tables, dice: random.Random) -> None:
    names = [(first, last) for first in FIRST_NAMES for last in LAST_NAMES]
    dice.shuffle(names)
    for number, (first, last) in enumerate([("Ada", "Lovelace"), *names[:159]], 1001):
        company_id = "com_2001" if number == 1001 else dice.choice(list(tables["companies"]))
        tables["contacts"][f"con_{number}"] = {
            "id": f"con_{number}",
            "first_name": first,
            "last_name": last,
            "email": f"{first}.{last}@{tables['companies'][company_id]['domain']}".lower(),
            "phone": f"+44 20 7946 {number - 1001:04d}",
            "job_title": "Chief Analyst" if number == 1001 else dice.choice(_TITLES),
            "lifecycle": "customer" if number == 1001 else dice.choice(("lead", "prospect", "customer", "former")),
            "company_id": company_id,
            "owner_id": "own_1" if number == 1001 else _owner(dice),
            "created_at": _moment(number - 1001),
        }


def _add_deals(tables: Tables, dice: random.Random) -> None:
    # Ada's three come first: every walk-through of the gateway asks for her open deals.
    for name, amount, stage in (
        ("Difference engine maintenance", 18_000, "open"),
        ("Analytical engine design study", 64_000, "open"),
        ("Punched card supply", 7_500, "won"),
    ):
        _add_deal(tables, dice, "con_1001", name, amount, stage)
    others = [contact_id for contact_id in tables["contacts"] if contact_id != "con_1001"]
    for _ in range(220):
        stage = dice.choices(("open", "won", "lost"), (5, 3, 2))[0]
        _add_deal(tables, dice, dice.choice(others), dice.choice(_DEALS), dice.randrange(1, 120) * 500, stage)


def _add_deal(tables: Tables, dice: random.Random, contact_id: str, name: str, amount: int, stage: str) -> None:
    contact, number = tables["contacts"][contact_id], 4001 + len(tables["deals"])
    tables["deals"][f"dea_{number}"] = {
        "id": f"dea_{number}",
        "name": name,
        "stage": stage,
        "step": dice.choice(_STEPS) if stage == "open" else None,
        "amount": amount,
        "close_date": (date(2026, 9, 1) + timedelta(days=dice.randrange(0, 240))).isoformat(),
        "close_reason": {"won": "Signed", "lost": "Chose another supplier"}.get(stage),
        "contact_id": contact_id,
        "company_id": contact["company_id"],
        "owner_id": contact["owner_id"],
        "created_at": _moment(number - 4001),
    }


def _owner(dice: random.Random) -> str:
    return f"own_{dice.randrange(1, 5)}"


def _moment(number: int) -> str:
    return (_EPOCH + timedelta(hours=7 * number)).isoformat().replace("+00:00", "Z")
