"""The companies and people that all stand-ins speak of: the calls of one are with the contacts of the other."""

import random
from dataclasses import dataclass

from server.demo.seed import FIRMS, FIRST_NAMES, LAST_NAMES
from server.demo.stand_ins.record_ids import record_id

COMPANIES = len(FIRMS)
CONTACTS_A_COMPANY = 5
_TITLES = ("Head of Operations", "Purchasing Manager", "CTO", "Data Engineer", "Finance Director", "Product Owner", "IT Manager")
_REPS = ("Mara Lindqvist", "Tomas Ferreira", "Aiko Tanaka", "Joseph Okafor", "Ines Moreau", "Pavel Novak", "Ruth Adeyemi", "Sven Holm")


@dataclass(frozen=True, slots=True)
class Company:
    number: int
    name: str
    domain: str
    account_id: str


@dataclass(frozen=True, slots=True)
class Person:
    """A contact of a company, or somebody who sells to it."""

    number: int
    first_name: str
    last_name: str
    email: str
    title: str
    record_id: str

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"


def company(number: int) -> Company:
    """Return the n-th company, from 0; beyond those with a name of their own they are branches."""
    branch, index = divmod(number, COMPANIES)
    name = FIRMS[index] if branch == 0 else f"{FIRMS[index]} Branch {branch}"
    return Company(number, name, f"{name.lower().replace(' ', '')}.example", record_id("Account", number + 1))


def contact(company_number: int, place: int) -> Person:
    """Return one of the contacts of a company, from 0."""
    number = company_number * CONTACTS_A_COMPANY + place
    dice = random.Random(f"contact:{number}")  # noqa: S311  made-up people
    first, last = dice.choice(FIRST_NAMES), dice.choice(LAST_NAMES)
    # Two of a name at one company are told apart by their place.
    email = f"{first}.{last}{place or ''}@{company(company_number).domain}".lower()
    return Person(number, first, last, email, dice.choice(_TITLES), record_id("Contact", number + 1))


def rep(number: int) -> Person:
    """Return one of those who sell."""
    first, _, last = _REPS[number % len(_REPS)].partition(" ")
    return Person(number, first, last, f"{first}.{last}@seller.example".lower(), "Account Executive", record_id("User", number + 1))


REPS = tuple(rep(number) for number in range(len(_REPS)))
