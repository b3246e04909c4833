"""Field maps: which fields of a record say what."""

from collections.abc import Mapping
from dataclasses import dataclass

from tools.context_plane.facts import Cardinality

#: of an entity: people are told apart by their keys alone
PERSON = "person"


@dataclass(frozen=True, slots=True)
class FieldMap:
    """One field. `refers`: the relation through which a query reaches the name of the record that it refers to; '' for a value.

    `is_tracked`: the org may keep a history of it, which then says since when a value holds.
    """

    field: str
    predicate: str
    refers: str = ""
    cardinality: Cardinality = "one"
    is_tracked: bool = False


@dataclass(frozen=True, slots=True)
class ObjectMap:
    """One object: what kind of thing its records are, how they are known, what is said of them.

    `keys`: key kind -> field.
    """

    name: str
    kind: str
    fields: tuple[FieldMap, ...]
    keys: Mapping[str, str]
    name_field: str = "Name"

    @property
    def selected(self) -> tuple[str, ...]:
        """Return the fields that a query names, in an order that stays."""
        own = [self.name_field, *self.keys.values()]
        mapped = [name for each in self.fields for name in (each.field, f"{each.refers}.Name" if each.refers else "") if name]
        return tuple(dict.fromkeys(("Id", "IsDeleted", "CreatedDate", "SystemModstamp", *own, *mapped)))


@dataclass(frozen=True, slots=True)
class RoleMap:
    """An object whose records join two others: of the `subject` field, a predicate that `predicate_field` says, the `object` field."""

    name: str
    subject_field: str
    subject_relation: str
    object_field: str
    object_relation: str
    predicate_field: str

    @property
    def selected(self) -> tuple[str, ...]:
        own = (self.subject_field, f"{self.subject_relation}.Name", self.object_field, f"{self.object_relation}.Name", self.predicate_field)
        return ("Id", "IsDeleted", "CreatedDate", "SystemModstamp", *own)


_OWNER = FieldMap("OwnerId", "owner", "Owner")
OBJECT_MAPS: tuple[ObjectMap | RoleMap, ...] = (
    ObjectMap("User", PERSON, (FieldMap("Title", "title"),), {"email": "Email"}),
    ObjectMap(
        "Account",
        "account",
        (
            FieldMap("Industry", "industry"),
            FieldMap("Type", "type"),
            FieldMap("NumberOfEmployees", "employees"),
            FieldMap("Website", "website"),
            FieldMap("ParentId", "parent account", "Parent"),
            _OWNER,
        ),
        {"website": "Website"},
    ),
    ObjectMap(
        "Contact",
        PERSON,
        (FieldMap("Title", "title"), FieldMap("AccountId", "works at", "Account"), _OWNER),
        {"email": "Email", "phone": "Phone"},
    ),
    ObjectMap("Lead", PERSON, (FieldMap("Company", "company"), FieldMap("Status", "lead status"), _OWNER), {"email": "Email"}),
    ObjectMap(
        "Opportunity",
        "opportunity",
        (
            FieldMap("AccountId", "account", "Account"),
            FieldMap("StageName", "stage", is_tracked=True),
            FieldMap("Amount", "amount", is_tracked=True),
            FieldMap("CloseDate", "close date", is_tracked=True),
            FieldMap("OwnerId", "owner", "Owner", is_tracked=True),
            FieldMap("Type", "type"),
        ),
        {},
    ),
    RoleMap("OpportunityContactRole", "OpportunityId", "Opportunity", "ContactId", "Contact", "Role"),
    ObjectMap(
        "Task",
        "activity",
        (
            FieldMap("WhoId", "with", "Who"),
            FieldMap("WhatId", "about", "What"),
            FieldMap("ActivityDate", "date"),
            FieldMap("Status", "status"),
            _OWNER,
        ),
        {},
        "Subject",
    ),
    ObjectMap(
        "Event",
        "activity",
        (FieldMap("WhoId", "with", "Who"), FieldMap("WhatId", "about", "What"), FieldMap("ActivityDateTime", "date"), _OWNER),
        {},
        "Subject",
    ),
)
MAP_BY_OBJECT: Mapping[str, ObjectMap | RoleMap] = {each.name: each for each in OBJECT_MAPS}
#: object -> the kind of thing that its records are
KIND_BY_OBJECT = {each.name: each.kind for each in OBJECT_MAPS if isinstance(each, ObjectMap)}
