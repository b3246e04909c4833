"""The part of SOQL that ingestion speaks: SELECT fields FROM object WHERE comparisons joined by AND, ORDER BY, LIMIT, COUNT()."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from server.demo.salesforce.objects import FIELDS, fields_of

_QUERY = re.compile(
    r"SELECT\s+(?P<fields>.+?)\s+FROM\s+(?P<kind>\w+)(?:\s+WHERE\s+(?P<where>.+?))?(?:\s+ORDER\s+BY\s+(?P<order>[\w,\s]+?))?(?:\s+LIMIT\s+(?P<limit>\d+))?",
    re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(r"\s*(\w+)\s*(!=|<=|>=|=|<|>|IN)\s*(.+?)\s*", re.IGNORECASE | re.DOTALL)
_COMPARES: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "<": lambda one, other: one is not None and one < other,
    "<=": lambda one, other: one is not None and one <= other,
    ">": lambda one, other: one is not None and one > other,
    ">=": lambda one, other: one is not None and one >= other,
    "IN": lambda one, others: one in others,
}


class SoqlRefused(Exception):
    """What Salesforce answers with 400; `code` is its errorCode."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Soql:
    """A query as it was read. `fields` is empty for COUNT()."""

    kind: str
    fields: tuple[str, ...]
    conditions: tuple[tuple[str, str, Any], ...]
    order: tuple[str, ...]
    limit: int | None

    def fits(self, record: Mapping[str, Any]) -> bool:
        return all(_COMPARES[sign](record.get(name), value) for name, sign, value in self.conditions)


def read_soql(text: str, hidden: frozenset[str] = frozenset()) -> Soql:
    """Read a query. `hidden` are fields that the user may not see, like "Opportunity.Amount". Raises SoqlRefused."""
    found = _QUERY.fullmatch(text.strip())
    if found is None:
        raise SoqlRefused("MALFORMED_QUERY", f"unexpected token in: {text[:80]}")
    kind = found["kind"]
    if kind not in FIELDS:
        raise SoqlRefused("INVALID_TYPE", f"sObject type '{kind}' is not supported.")
    names = [each.strip() for each in found["fields"].split(",")]
    fields = () if names in (["COUNT()"], ["count()"]) else tuple(names)
    conditions = tuple(_condition(each) for each in re.split(r"\s+AND\s+", found["where"] or "", flags=re.IGNORECASE) if each)
    order = tuple(each.strip().split()[0] for each in (found["order"] or "").split(",") if each.strip())
    for name in (*fields, *(each[0] for each in conditions), *order):
        if name not in fields_of(kind) or f"{kind}.{name}" in hidden:
            raise SoqlRefused(
                "INVALID_FIELD", f"No such column '{name}' on entity '{kind}'. If you are attempting to use a custom field, …"
            )
    return Soql(kind, fields, conditions, order, int(found["limit"]) if found["limit"] else None)


def _condition(text: str) -> tuple[str, str, Any]:
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise SoqlRefused("MALFORMED_QUERY", f"unexpected token: {text[:80]}")
    name, sign, value = found[1], found[2].upper(), found[3]
    if sign == "IN":
        return name, sign, tuple(_value(each) for each in value.strip("()").split(","))
    return name, sign, _value(value)


def _value(text: str) -> Any:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("\\'", "'")
    if text.lower() in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[text.lower()]
    try:
        return float(text) if re.fullmatch(r"-?[\d.]+", text) else datetime.fromisoformat(text)
    except ValueError:
        raise SoqlRefused("MALFORMED_QUERY", f"unexpected token: {text[:40]}") from None
